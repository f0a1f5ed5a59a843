"""The lake on an object store that speaks S3 (decisions 81, 82): `mounted` has it keep all files below a path.

client.py    requests, repeated by what went wrong; errors as the system's own (OSError)
storage.py   the storage seam: parts under names that carry their epoch, conditional puts for fixed names
reading.py   Parquet for pyarrow and DuckDB, by ranges of bytes
lease.py     a right that one process holds, without a server that knows it
probe.py     whether a store enforces the conditions that all this stands on
"""

from data.object_store.client import Bucket, Place
from data.object_store.probe import UnfitStoreError, probe
from data.object_store.storage import ObjectStorage, mounted

__all__ = ["Bucket", "ObjectStorage", "Place", "UnfitStoreError", "mounted", "probe"]
