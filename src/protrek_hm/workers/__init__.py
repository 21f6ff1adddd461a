"""Long work in shards: done on this machine, or on a cluster, with the same result to the last byte.

The flow: `workers_of` turns the flags `--cluster` and `--devices` into one of two homes, `Here` (threads, processes and
devices of this machine) or `RayCluster` (tasks of Ray), and `using` sends all work within there. Sharded work says what
every shard reads (`Shared`) and what one takes (`Needs`), and receives the results in the order of the shards from
`map_shards`. Whoever asked for results keeps them: workers write no files, so that a shard done twice does no harm, and
nodes need no disk in common.
"""

from typing import TYPE_CHECKING

from protrek_hm.lazy import lazily

if TYPE_CHECKING:
    from protrek_hm.workers.choose import map_shards as map_shards
    from protrek_hm.workers.choose import using as using
    from protrek_hm.workers.choose import workers_of as workers_of
    from protrek_hm.workers.cluster import RayCluster as RayCluster
    from protrek_hm.workers.here import Here as Here
    from protrek_hm.workers.work import Needs as Needs
    from protrek_hm.workers.work import Shared as Shared
    from protrek_hm.workers.work import Workers as Workers
else:
    __getattr__, __dir__, __all__ = lazily(__name__)
