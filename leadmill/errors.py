"""Error categories and the exceptions that carry them: the one place that says what a failure means.

Every failure that a user can see has a category. The category alone decides whether and when a unit
is tried again (`leadmill/retry.py`), how the API answers, and how the report groups the causes.
"""

from __future__ import annotations

import errno
import math
import tempfile
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from leadmill import quotas

#: Most names that a message lists.
_SHOWN_NAMES = 5


class ErrorCategory(StrEnum):
    """Why a company, a page or a unit failed."""

    #: The other side could not be reached or did not answer in time; a later try may succeed.
    NETWORK = "network"
    #: The input or the page is what it is (robots refusal, no pages, not HTML); trying again changes nothing.
    DATA = "data"
    #: Our own side failed (disk, memory, a bug); a try on another process may succeed.
    SYSTEM = "system"
    #: The job's `deadline` struck before the work was done.
    DEADLINE = "deadline"
    #: The unit killed its process again and again and was set aside.
    POISON = "poison"
    #: The project has used up what it may have of the day, or the job would have too much.
    QUOTA = "quota"


class ErrorCode(StrEnum):
    """What stands where a company's page should: one cause each, so that they can be counted and asked for.

    All are of category `data`; other errors of companies and pages have no code.
    """

    #: Nothing but advertisements.
    PARKED = "parked"
    FOR_SALE = "for_sale"
    #: A hoster's or a web server's own page, where nothing has been put yet.
    DEFAULT_PAGE = "default_page"
    #: Switched off by the host, or run out.
    SUSPENDED = "suspended"
    MAINTENANCE = "maintenance"
    COMING_SOON = "coming_soon"
    #: Nothing but a login.
    LOGIN_ONLY = "login_only"
    #: A product that keeps programs out.
    BOT_WALL = "bot_wall"
    CAPTCHA = "captcha"
    #: The same page as for any address that does not exist, with a status that says it does.
    SOFT_404 = "soft_404"
    #: Nothing without JavaScript.
    SCRIPT_SHELL = "script_shell"
    #: A page of a social network, a site builder or another platform.
    PLATFORM_PAGE = "platform_page"


#: What keeps programs from a site that is there.
WALLS = frozenset({ErrorCode.BOT_WALL, ErrorCode.CAPTCHA})


class LeadmillError(Exception):
    """Base of every error that Leadmill raises on purpose.

    `code` is the stable machine name used in problem JSON; `status` the HTTP status the API gives it.
    """

    code = "internal_error"
    status = 500
    category = ErrorCategory.SYSTEM


class InputError(LeadmillError):
    """What the caller gave is wrong; the message says how to put it right."""

    code = "invalid_input"
    status = 422
    category = ErrorCategory.DATA

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        #: Where it is wrong, as a path in the request: `company_urls[17]`.
        self.field = field


class KeyRefusedError(LeadmillError):
    """A request brings no API key, or one that does not count; `code` says which, the message what to do."""

    status = 401
    category = ErrorCategory.DATA

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class TooManyGuessesError(LeadmillError):
    """So many wrong API keys came from an address that wrong ones have to wait; right ones have not."""

    code = "too_many_wrong_keys"
    status = 429
    category = ErrorCategory.DATA

    def __init__(self, free_in_s: float) -> None:
        self.retry_after_s = math.ceil(free_in_s)
        super().__init__(f"too many wrong API keys came from this address; wait {self.retry_after_s} s")


class TooOftenError(LeadmillError):
    """A caller, or an address, has done something so often that the next has to wait; `code` says what."""

    status = 429
    category = ErrorCategory.DATA

    def __init__(self, message: str, *, code: str, free_in_s: float) -> None:
        super().__init__(message)
        self.code, self.retry_after_s = code, math.ceil(free_in_s)


class InsecureSignInError(LeadmillError):
    """A browser would send its key in the clear from where it is; the message says where else to sign in."""

    code = "insecure_sign_in"
    status = 403
    category = ErrorCategory.DATA


class SignInFailedError(LeadmillError):
    """Signing in by an identity provider came to nothing; `code` says at what, the message what to do."""

    category = ErrorCategory.DATA

    def __init__(self, message: str, *, code: str, status: int = 401) -> None:
        super().__init__(message)
        self.code, self.status = code, status


class ForbiddenError(LeadmillError):
    """The caller is known, and may not do this; the message names what is needed."""

    code = "forbidden"
    status = 403
    category = ErrorCategory.DATA


class NotFoundError(LeadmillError):
    """No such job, company, report or schedule."""

    code = "not_found"
    status = 404
    category = ErrorCategory.DATA


class GoneError(LeadmillError):
    """It was there, and is no more; `available` names the addresses of what is left."""

    code = "gone"
    status = 410
    category = ErrorCategory.DATA

    def __init__(self, message: str, available: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.available = tuple(available)


class ConflictError(LeadmillError):
    """The move is not legal in the present state; the message names what is."""

    code = "conflict"
    status = 409
    category = ErrorCategory.DATA


class UnavailableError(LeadmillError):
    """Redis, or another part the request needs, does not answer just now."""

    code = "unavailable"
    status = 503
    category = ErrorCategory.SYSTEM

    def __init__(self, message: str, *, retry_after_s: int = 5, job_id: str | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        #: The id of a submit that may still count although its answer was lost.
        self.job_id = job_id


class NotReplicatedError(UnavailableError):
    """Redis made the change, but none of its replicas has it yet: should it fail over now, the change is lost."""

    code = "not_replicated"

    def __init__(self) -> None:
        super().__init__(
            "the job store made the change, but none of its replicas has it yet, and it could still be lost: "
            "repeat the same request, which changes nothing twice"
        )


class KeysUnreadableError(UnavailableError):
    """Which API keys there are cannot be told, so nobody is let in; the message says what is wrong with the table."""

    code = "keys_unreadable"


class ForeignLakeError(UnavailableError):
    """The job store belongs to another lake than this process' folder: its own one is away, in its place is another.

    So whoever can wait for a store waits, and goes on once its own is back.
    """

    code = "foreign_lake"


class NewerStoreError(ForeignLakeError):
    """A later version of Leadmill has written to the job store: this one could read its records wrongly."""

    code = "newer_store"


class EarlierVersionError(ForeignLakeError):
    """Workers of a version that cannot work beside this one are at work on the job store."""

    code = "earlier_version"


#: What a system says of a disk that takes no more, and of one that takes nothing.
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_UNWRITABLE = frozenset({errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ENOTDIR})


class StorageError(UnavailableError):
    """The disk is full (507) or cannot be written (503): nothing of the request was kept."""

    def __init__(self, cause: str, *, full: bool) -> None:
        self.code, self.status = ("storage_full", 507) if full else ("storage_unwritable", 503)
        what, advice = (
            ("the disk is full", f"free space in the data folder and in {tempfile.gettempdir()}")
            if full
            else ("the disk cannot be written", "look at the data folder's mount and owner (`leadmill doctor`)")
        )
        super().__init__(f"{what} ({cause}): nothing of this request was kept; {advice}, then send it again")
        self.retry_after_s = 60

    @classmethod
    def of(cls, error: OSError) -> StorageError | None:
        """What an error of the system means for a request that writes; None: nothing of that kind."""
        if error.errno not in _FULL | _UNWRITABLE:
            return None
        return cls(error.strerror or str(error), full=error.errno in _FULL)


class StoreRefusedError(UnavailableError):
    """Redis answers, and refuses: nothing was written, and a later try may succeed. `advice` says what to do."""

    code = "store_refused"
    advice = "the job store refuses"


class StoreFullError(StoreRefusedError):
    """Redis has reached its `maxmemory`."""

    code = "store_full"
    status = 507
    advice = (
        "the job store is out of memory: raise maxmemory (redis-cli CONFIG SET maxmemory …), or make room with "
        "`leadmill maintenance cleanup`"
    )


class StoreReadOnlyError(StoreRefusedError):
    """Redis is a replica."""

    code = "store_read_only"
    advice = "the job store is a read-only replica: let REDIS_URL name the primary"


class StoreNotSavingError(StoreRefusedError):
    """Redis takes no writes because it cannot save, or has too few replicas."""

    code = "store_not_saving"
    advice = "the job store takes no writes because it cannot keep them: look at its disk, its replicas and its log"


class StoreAccessError(StoreRefusedError):
    """Redis wants another password, or gives this user too few rights."""

    code = "store_access"
    advice = (
        "the job store denies access: name user and password in REDIS_URL, and give the user all commands on its keys"
    )


class StoreBusyError(StoreRefusedError):
    """Redis is loading its data, fails over, or runs somebody's endless script."""

    code = "store_busy"
    advice = (
        "the job store is busy: wait until it has loaded; a script that does not end is ended by redis-cli SCRIPT KILL"
    )


class OverloadedError(StoreRefusedError):
    """As many jobs are live as the operator allows."""

    code = "too_many_live_jobs"

    def __init__(self, limit: int) -> None:
        """`limit`: most live jobs."""
        super().__init__(
            f"{limit:,} jobs are waiting or running, and the stack takes no more at a time (LEADMILL_MAX_LIVE_JOBS): "
            "nothing of this request was kept; send it again later"
        )
        self.retry_after_s = 10


class EarlierWorkersError(OverloadedError):
    """Workers of an earlier version live, and do not know what a job asks for."""

    code = "earlier_workers"

    def __init__(self, names: Sequence[str]) -> None:
        """`names`: those of the workers."""
        shown = ", ".join(names[:_SHOWN_NAMES]) + (
            f" and {len(names) - _SHOWN_NAMES} more" * (len(names) > _SHOWN_NAMES)
        )
        StoreRefusedError.__init__(
            self,
            f"workers of an earlier version are still at work ({shown}), and do not know what this asks for: nothing of"
            " it was kept. Stop them, and send it again (leadmill doctor names them)",
        )
        self.retry_after_s = 10


class QuotaError(LeadmillError):
    """It would go over a quota of its project; nothing of it was kept."""

    code = "quota_exceeded"
    status = 429
    category = ErrorCategory.QUOTA

    def __init__(self, quota: str, limit: int, used: int, asked: int, now: datetime) -> None:
        """`quota`: its name in `leadmill.quotas.Quotas`; `asked`: how much more this would be."""
        super().__init__(quotas.sentence(quota, limit, used, asked))
        self.quota, self.limit, self.asked = quota, limit, asked
        self.left = max(0, limit - used)
        #: When it begins anew; None for one that is not of a day.
        self.resets_at = quotas.resets_at(quota, now)
        #: Seconds after which it may be tried again; None: it does not pass with time.
        self.retry_after_s = 10 if quota == "live_jobs" else None
        if self.resets_at is not None:
            self.retry_after_s = math.ceil((self.resets_at - now).total_seconds())


class QuotasUnreadableError(UnavailableError):
    """What projects may have cannot be told, so nothing is taken."""

    code = "quotas_unreadable"


class NoticesUnreadableError(UnavailableError):
    """Where notices go cannot be told, so nobody changes it and no job may ask to be told of."""

    code = "notices_unreadable"


class StoreError(LeadmillError):
    """Redis answers with an error that none of the others names: a record or a server that this version cannot use."""

    code = "store_error"
    advice = (
        "the job store answered with an error; Leadmill needs Redis 6.2 or Valkey, and a record that it wrote itself"
    )


class DamagedRecordError(LeadmillError):
    """A key of the job store holds something else than Leadmill put there. `key` is its full name where known."""

    code = "damaged_record"

    def __init__(self, message: str, *, key: str | None = None) -> None:
        super().__init__(message)
        self.key = key


class WorkError(LeadmillError):
    """A stage cannot go on; carries the category that decides about a retry."""

    def __init__(self, message: str, category: ErrorCategory = ErrorCategory.SYSTEM) -> None:
        super().__init__(message)
        self.category = category


class ConfigError(LeadmillError):
    """A setting is wrong or missing; the message says which and what to write."""

    code = "bad_configuration"
