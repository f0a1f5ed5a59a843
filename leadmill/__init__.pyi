from leadmill.client.asynchronous.client import AsyncClient as AsyncClient
from leadmill.client.asynchronous.job_handle import AsyncJobHandle as AsyncJobHandle
from leadmill.client.client import Client as Client
from leadmill.client.errors import ApiError as ApiError
from leadmill.client.errors import ApiUnreachableError as ApiUnreachableError
from leadmill.client.job_handle import JobHandle as JobHandle
from leadmill.client.results import Job as Job
from leadmill.rows import Lead as Lead
from reports.reader import Lake as Lake

__version__: str
