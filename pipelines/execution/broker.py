"""The Celery application's configuration, shared by workers (which add the tasks) and by whoever sends messages."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from celery import Celery
from celery.app.amqp import AMQP
from kombu.entity import Queue as Declared

from data.sentinels import CHECK_S
from leadmill.redis_tls import tls_options
from leadmill.sentinel_url import SentinelUrl, names_sentinels
from leadmill.settings import Settings
from pipelines.execution.signing import Signer
from pipelines.execution.transport import LakeConnection
from pipelines.queues import LEVELS, Queue
from pipelines.stages import STAGES

#: Celery's results where Sentinels name their server.
RESULTS = "pipelines.execution.results:SentinelResults"
#: No call to the broker blocks longer, seconds.
TIMEOUT_S = 3


class _Amqp(AMQP):
    """Connects as `pipelines.execution.transport` says, and consumes without the broker's acknowledgements.

    The lease says who works on what, and the record sends a lost message again; a copy kept by the broker until the
    acknowledgement would cost two round trips a message, and a worker that holds one exits when Redis goes away.
    """

    Connection = LakeConnection

    def TaskConsumer(self, *args: Any, **options: Any) -> Any:
        return super().TaskConsumer(*args, **{**options, "no_ack": True})


class _Application(Celery):
    """Not a setting of Celery's: those are told to whoever asks a worker."""

    signer: Signer | None = None


def _sentinels(url: str, options: dict[str, Any]) -> str | None:
    """Where a URL names Sentinels: puts these into the options, and gives the URL that stands for them with Celery.

    Celery and kombu see the first Sentinel alone; `servers` has all that it takes to connect, and tells no password.
    """
    if not names_sentinels(url):
        return None
    servers = SentinelUrl.of(url)
    options |= {"servers": servers, "master_name": servers.master, "health_check_interval": CHECK_S}
    login = f"{quote(servers.username or '', safe='')}:{quote(servers.password or '', safe='')}@"
    host, port = servers.sentinels[0]
    return f"sentinel://{login if servers.password else ''}{f'[{host}]' if ':' in host else host}:{port}/{servers.db}"


def make_celery(settings: Settings) -> Celery:
    """A Celery app without tasks.

    Why each setting: messages are never acknowledged and never delayed (countdown, ETA, retry); the record, not the
    broker, says who works on what. Nothing is prefetched, so a killed worker takes no waiting message with it.
    """
    app = _Application("leadmill", amqp=_Amqp)
    if settings.signing_keys:
        app.signer = Signer(settings.signing_keys, settings.key_prefix, settings.data_dir)
    transport: dict[str, Any] = {
        "socket_timeout": TIMEOUT_S,
        "socket_connect_timeout": TIMEOUT_S,
        "global_keyprefix": settings.key_prefix,
        "priority_steps": list(LEVELS),
        "lake_root": str(settings.data_dir),
    }
    results: dict[str, Any] = {"global_keyprefix": settings.key_prefix, "retry_policy": {"timeout": TIMEOUT_S}}
    broker_url, result_backend = settings.broker_url, settings.result_backend
    if (servers := _sentinels(broker_url, transport)) is not None:
        broker_url = servers
    if (servers := _sentinels(result_backend, results)) is not None:
        result_backend = f"{RESULTS}+{servers}"
    app.conf.update(
        broker_url=broker_url,
        broker_use_ssl=tls_options(settings.broker_url) or False,  # Flower looks here; kombu reads the URL, too
        result_backend=result_backend,
        broker_transport_options=transport,
        result_backend_transport_options=results,
        redis_socket_timeout=TIMEOUT_S,
        redis_socket_connect_timeout=TIMEOUT_S,
        broker_pool_acquire_timeout=TIMEOUT_S,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_channel_error_retry=True,  # a server that refuses writes (full disk, lost replica) gives no message
        task_serializer=settings.celery_task_serializer,
        result_serializer=settings.celery_result_serializer,
        accept_content=settings.celery_accept_content,
        timezone=settings.celery_timezone,
        enable_utc=True,
        task_queues=[Declared(queue.value) for queue in Queue],  # type: ignore[no-untyped-call]
        task_default_queue=Queue.PROCESSING.value,
        task_routes={stage.task: {"queue": stage.queue.value} for stage in STAGES.values()},
        task_ignore_result=True,
        task_acks_late=False,
        task_publish_retry=False,
        task_time_limit=settings.task_time_limit_s,
        result_expires=3_600,
        result_chord_ordered=False,
        worker_disable_prefetch=True,
        worker_prefetch_multiplier=1,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_enable_prefetch_count_reduction=False,
        worker_max_tasks_per_child=settings.max_tasks_per_child,
        worker_max_memory_per_child=settings.max_memory_mb * 1_000,  # KB
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        task_send_sent_event=False,
    )
    return app
