"""The conditions of a resource's status: every type and every reason, each with a sentence that says when it is told.

What programs may rely on is the type, its status and these reasons; messages are for people and may change.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

MESSAGE_MAX = 1024  # characters; longer messages are cut, so that a status stays small


class ConditionStatus(StrEnum):
    """Whether what a type says holds; Unknown until it was judged."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class ConditionType(StrEnum):
    """The types; all of them are present from the first pass on."""

    READY = "Ready"
    SERVING_CURRENT = "ServingCurrent"
    EMBEDDER_READY = "EmbedderReady"
    INDEX_BUILT = "IndexBuilt"
    INDEX_PUBLISHED = "IndexPublished"
    DEGRADED = "Degraded"
    SECURED = "Secured"
    PAUSED = "Paused"
    UPGRADE_PENDING = "UpgradePending"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"


class ConditionReason(StrEnum):
    """The reasons; CONDITIONS says which goes with which type."""

    NOT_JUDGED = "NotJudged"

    SERVING = "Serving"
    ROLLING_OUT = "RollingOut"
    NOTHING_PUBLISHED = "NothingPublished"
    UNSCHEDULABLE = "Unschedulable"
    ROLLOUT_FAILED = "RolloutFailed"
    SPEC_INVALID = "SpecInvalid"

    CURRENT = "Current"
    NOTHING_READY = "NothingReady"

    MODEL_LOADED = "ModelLoaded"
    PULLING = "Pulling"
    UNREACHABLE = "Unreachable"
    FINGERPRINT_MISMATCH = "FingerprintMismatch"
    NOT_NEEDED = "NotNeeded"

    BUILT = "Built"
    BUILDING = "Building"
    BUILD_FAILED = "BuildFailed"
    NO_SPACE = "NoSpace"
    OOM_KILLED = "OOMKilled"
    SOURCE_UNREACHABLE = "SourceUnreachable"
    DEADLINE_EXCEEDED = "DeadlineExceeded"

    PUBLISHED = "Published"
    QUALITY_REJECTED = "QualityRejected"
    PINNED = "Pinned"
    ROLLED_BACK = "RolledBack"

    AS_EXPECTED = "AsExpected"
    EMBEDDER_DOWN = "EmbedderDown"
    INDEX_CORRUPT = "IndexCorrupt"
    STORE_UNAVAILABLE = "StoreUnavailable"
    HEARTBEAT_STALE = "HeartbeatStale"
    CAPACITY_SHORT = "CapacityShort"
    REFERENCE_BROKEN = "ReferenceBroken"
    MONITORING_MISSING = "MonitoringMissing"

    KEYS = "Keys"
    OPEN = "Open"

    NOT_PAUSED = "NotPaused"
    ROLLOUTS_PAUSED = "RolloutsPaused"
    ALL_PAUSED = "AllPaused"

    UP_TO_DATE = "UpToDate"
    NEW_IMAGES = "NewImages"
    NEW_TEMPLATE = "NewTemplate"

    SETTLED = "Settled"
    WAITING = "Waiting"

    NAME_TAKEN = "NameTaken"
    SCHEMA_OUTDATED = "SchemaOutdated"


T, R = ConditionType, ConditionReason


@dataclass(frozen=True, slots=True)
class Condition:
    """One type: what True means, and when each of its reasons is told."""

    type: ConditionType
    true_means: str
    reasons: Mapping[ConditionReason, str]


_NOT_JUDGED = {R.NOT_JUDGED: "Unknown: the operator has not judged it yet, or cannot."}

CONDITIONS: tuple[Condition, ...] = (
    Condition(
        T.READY,
        "The spec is valid, a generation is published, at least one endpoint is ready, and every ready one serves the "
        "published generation or, during a rollout, the one before.",
        _NOT_JUDGED
        | {
            R.SERVING: "Every ready endpoint answers from the published generation.",
            R.ROLLING_OUT: "Pods are being replaced or started.",
            R.NOTHING_PUBLISHED: "There is no generation to serve yet.",
            R.UNSCHEDULABLE: "No node takes a pod that is needed; the message names it and says why.",
            R.ROLLOUT_FAILED: "New pods did not become ready in time, or old ones did not change over.",
            R.SPEC_INVALID: "The spec is refused; the message says where, what was found and what was expected.",
        },
    ),
    Condition(
        T.SERVING_CURRENT,
        "Every ready endpoint serves the published generation.",
        _NOT_JUDGED
        | {
            R.CURRENT: "All ready endpoints serve the published generation.",
            R.ROLLING_OUT: "Some still serve the generation before it.",
            R.NOTHING_PUBLISHED: "There is no generation to serve yet.",
            R.NOTHING_READY: "No endpoint is ready.",
        },
    ),
    Condition(
        T.EMBEDDER_READY,
        "The embedding model can be asked.",
        _NOT_JUDGED
        | {
            R.MODEL_LOADED: "The model server has the wanted model.",
            R.PULLING: "The model is being pulled.",
            R.UNREACHABLE: "The model server does not answer.",
            R.FINGERPRINT_MISMATCH: "The server's model under this name is another one than the wanted or published.",
            R.NOT_NEEDED: "The model runs in the process: there is no model server.",
        },
    ),
    Condition(
        T.INDEX_BUILT,
        "The index wanted now has been built.",
        _NOT_JUDGED
        | {
            R.BUILT: "The generation wanted now is on the volume.",
            R.BUILDING: "Its build runs or waits to run.",
            R.BUILD_FAILED: "Its last build failed; the message says why and when it is tried again.",
            R.NO_SPACE: "The volume was too small for the build.",
            R.OOM_KILLED: "The build needed more memory than its limit.",
            R.SOURCE_UNREACHABLE: "The source could not be read.",
            R.DEADLINE_EXCEEDED: "The build took longer than build.deadlineSeconds.",
        },
    ),
    Condition(
        T.INDEX_PUBLISHED,
        "The published generation is the one wanted now, or is pinned.",
        _NOT_JUDGED
        | {
            R.PUBLISHED: "The generation wanted now is published.",
            R.BUILDING: "It is not there yet: its build runs, waits or is tried again.",
            R.QUALITY_REJECTED: "It did not reach the quality asked for; the one before stays published.",
            R.PINNED: "index.pin decides; False while the pinned generation is not on the volume.",
            R.ROLLED_BACK: "Its rollout failed; the one before is published again.",
        },
    ),
    Condition(
        T.DEGRADED,
        "Something is broken, although questions may still be answered.",
        _NOT_JUDGED
        | {
            R.AS_EXPECTED: "False: nothing is known to be broken.",
            R.EMBEDDER_DOWN: "The embedder does not answer: questions are answered by words alone.",
            R.BUILD_FAILED: "The last build failed; the published generation stays.",
            R.INDEX_CORRUPT: "A generation's files are not what its manifest says.",
            R.STORE_UNAVAILABLE: "The pod that hands out generations is down: new search pods cannot start.",
            R.HEARTBEAT_STALE: "A running build has not told its progress for long.",
            R.REFERENCE_BROKEN: "Search pods cannot use a Secret or ConfigMap that the spec names.",
            R.CAPACITY_SHORT: "The volume will not hold the next generation beside those that are kept.",
            R.MONITORING_MISSING: "Monitoring is asked for and the cluster does not know its kinds.",
        },
    ),
    Condition(
        T.SECURED,
        "Clients must show an API key.",
        _NOT_JUDGED
        | {
            R.KEYS: "search.auth names the keys.",
            R.OPEN: "False: search.auth is absent, everyone who reaches the Service may ask.",
        },
    ),
    Condition(
        T.PAUSED,
        "The operator leaves something undone, as spec.pause asks.",
        _NOT_JUDGED
        | {
            R.NOT_PAUSED: "False: nothing is paused.",
            R.ROLLOUTS_PAUSED: "Nothing is built, published or rolled out; what is missing is put back.",
            R.ALL_PAUSED: "Nothing but the status is written.",
        },
    ),
    Condition(
        T.UPGRADE_PENDING,
        "The operator would replace pods for its own new version, and upgradePolicy Manual holds it back.",
        _NOT_JUDGED
        | {
            R.UP_TO_DATE: "False: pods are what this version of the operator makes.",
            R.NEW_IMAGES: "This version of the operator comes with other images.",
            R.NEW_TEMPLATE: "This version of the operator makes pods from other templates.",
        },
    ),
    Condition(
        T.RECONCILING,
        "What is wanted is being brought about (kstatus).",
        _NOT_JUDGED
        | {
            R.SETTLED: "False: there is nothing left to do.",
            R.BUILDING: "An index is being built.",
            R.ROLLING_OUT: "Pods are being replaced, started or removed.",
            R.WAITING: "Something else has to happen first; the message says what.",
        },
    ),
    Condition(
        T.STALLED,
        "It does not go on without a change by somebody (kstatus).",
        _NOT_JUDGED
        | {
            R.AS_EXPECTED: "False: it goes on by itself, or there is nothing to do.",
            R.SPEC_INVALID: "The spec is refused.",
            R.NAME_TAKEN: "An object of a name the operator needs belongs to somebody else.",
            R.BUILD_FAILED: "A build failed in a way that another try cannot change.",
            R.ROLLOUT_FAILED: "New pods do not become ready, and no generation before would help.",
            R.SCHEMA_OUTDATED: "The CustomResourceDefinition in the cluster is older than the operator.",
        },
    ),
)

REASONS: dict[ConditionType, frozenset[ConditionReason]] = {
    condition.type: frozenset(condition.reasons) for condition in CONDITIONS
}
