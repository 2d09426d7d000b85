"""What may be wrong with what a WebSocket client was told, one thing at a time."""

from tests.faults.evidence import Evidence, Told


def frame_lost(evidence: Evidence) -> None:
    evidence.watchers[0].frames.pop(2)


def last_frame_lost(evidence: Evidence) -> None:
    evidence.watchers[0].frames.pop()


def frame_doubled(evidence: Evidence) -> None:
    evidence.watchers[0].frames.insert(3, evidence.watchers[0].frames[2])


def frames_reordered(evidence: Evidence) -> None:
    frames = evidence.watchers[0].frames
    frames[1], frames[2] = frames[2], frames[1]


def frame_of_another_kind(evidence: Evidence) -> None:
    evidence.watchers[0].frames[2] = Told("runs", 4, "run.succeeded")


def frame_of_nothing(evidence: Evidence) -> None:
    evidence.watchers[1].frames.append(Told("runs", 7, "run.running"))


def watcher_told_to_reload(evidence: Evidence) -> None:
    evidence.watchers[0].reloads.append("runs")


def watcher_refused(evidence: Evidence) -> None:
    evidence.watchers[0].refused.append("4409 too slow")


def watcher_never_followed(evidence: Evidence) -> None:
    evidence.watchers[1].since.clear()
