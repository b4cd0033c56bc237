"""What the steps of the drills do, by the names that the plans use. Each returns what it saw or raises StepFailed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping

from signer.audit.fsck import inspect_log
from signer.audit.receipt import SignedTree
from signer.audit.tiles import WIDTH, Tiles
from signer.evidence.drills.rehearsal import Action
from signer.evidence.drills.site import Site, StepFailed
from signer.evidence.remote import KeyFacts, Refused, SampleSignature

_MESSAGE = b"signer drill: a signature"
_RECOVERY_S = 60.0
_POLL_S = 0.2
_REFUSALS = 5
_FILL_BATCHES = (64, 8)
_MOST_BATCHES = 2_000
_MOST_SIGNATURES = 64  # more than a batch of the last size leaves room for


class Scenarios:
    """The steps' actions at one site; remembers what later steps need."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._sample: SampleSignature | None = None

    def actions(self, drill: str) -> Mapping[str, Action]:
        """The actions of a drill, by step."""
        return {
            "hsm-lost": {
                "signs-before": self._signs,
                "take-token-away": self._site.take_token_away,
                "signing-refused": lambda: self._refused("UNAVAILABLE", "HSM_UNAVAILABLE"),
                "health-falls": lambda: self._health(serving=False),
                "return-token": self._site.return_token,
                "signs-again": self._signs_again,
                "health-returns": lambda: self._health(serving=True),
            },
            "log-disk-full": {
                "signs-before": self._signs,
                "fill-log-disk": self._fill,
                "signing-stops": self._stops,
                "free-log-disk": self._site.free_log_disk,
                "signs-again": self._signs_again,
                "log-is-sound": self._log_is_sound,
            },
            "key-compromised": {
                "signs-before": self._signs_and_verifies,
                "register-compromise": self._compromise,
                "signing-refused": lambda: self._refused("FAILED_PRECONDITION", "KEY_NOT_ACTIVE"),
                "verification-refused": self._verification_refused,
                "others-go-on": self._others_go_on,
                "uses-are-known": self._uses_are_known,
            },
        }[drill]

    # ---- signing

    def _message_keys(self) -> list[KeyFacts]:
        """SM2 first."""
        keys = [key for key in self._site.remote.list_keys() if key.purpose == "message" and key.state == "active"]
        return sorted(keys, key=lambda key: key.algorithms[:1] != ("SM2_SM3",))

    def _signs(self) -> str:
        keys = self._message_keys()
        if not keys:
            raise StepFailed("客户端没有可用的报文密钥")
        self._sample = self._site.remote.sign(keys[0].key, _MESSAGE)
        return f"{self._sample.key} 签名成功，日志记录 {self._sample.log_index}"

    def _signs_and_verifies(self) -> str:
        told = self._signs()
        verdict = self._site.remote.verify(self._known(), _MESSAGE)
        if verdict != "PASSED":
            raise StepFailed(f"{told}；验签 {verdict}")
        return f"{told}；验签 {verdict}"

    def _known(self) -> SampleSignature:
        if self._sample is None:
            raise StepFailed("演练前没有签名成功")
        return self._sample

    def _sign_once(self) -> Refused | None:
        """Why a signature is refused now; None where it is released."""
        try:
            self._site.remote.sign(self._known().key, _MESSAGE)
        except Refused as problem:
            return problem
        return None

    def _refused(self, status: str, reason: str) -> str:
        """Waits for the first refusal, then nothing may be released any more."""
        released = 0
        until = time.monotonic() + self._site.patience
        while (first := self._sign_once()) is None:
            released += 1
            if time.monotonic() > until:
                raise StepFailed(f"{self._site.patience:.0f} 秒内签名仍然成功（{released} 次）")
            time.sleep(_POLL_S)
        if first.reason != reason:  # such as a connection that is being closed: the next answer counts
            time.sleep(_POLL_S)
        answers = [self._sign_once() for _ in range(_REFUSALS)]
        told = sorted({"成功" if answer is None else answer.told for answer in answers})
        if told != [f"{status} {reason}"]:
            raise StepFailed(f"{_REFUSALS} 次请求的答复：{'、'.join(told)}")
        return f"{_REFUSALS} 次请求均为 {status} {reason}"

    def _signs_again(self) -> str:
        self._known()
        last: list[Refused] = []

        def signs() -> bool:
            problem = self._sign_once()
            last[:] = [problem] if problem is not None else []
            return problem is None

        if not _within(_RECOVERY_S, signs):
            raise StepFailed(f"{_RECOVERY_S:.0f} 秒内没有恢复：{last[0].told}")
        return "签名成功，没有重启"

    def _health(self, *, serving: bool) -> str:
        name = "SERVING" if serving else "NOT_SERVING"
        if not _within(_RECOVERY_S, lambda: self._site.remote.is_serving() is serving):
            raise StepFailed(f"{_RECOVERY_S:.0f} 秒内健康检查没有变为 {name}")
        return f"健康检查为 {name}"

    # ---- the log

    def _fill(self) -> str:
        """Uses up what the log has written ahead, in batches; the first that is refused as a whole ends it."""
        told = self._site.fill_log_disk()
        released = 0
        for size in _FILL_BATCHES:
            for _ in range(_MOST_BATCHES):
                done = self._site.remote.sign_many(self._known().key, [_MESSAGE] * size)
                released += done
                if done < size:
                    break
            else:
                raise StepFailed(f"{told}；签名 {released} 次后日志仍能写入")
        return f"{told}；又签名 {released} 次，用完预留空间"

    def _stops(self) -> str:
        for number in range(_MOST_SIGNATURES):
            started = time.monotonic()
            problem = self._sign_once()
            if problem is not None:
                taken = (time.monotonic() - started) * 1000
                if problem.told != "UNAVAILABLE LOG_UNAVAILABLE":
                    raise StepFailed(f"答复为 {problem.told}")
                return f"再签 {number} 次后，{taken:.0f} 毫秒内被拒绝：{problem.told}"
        raise StepFailed("日志盘已满，签名仍然成功")

    def _log_is_sound(self) -> str:
        sample = self._site.remote.sign(self._known().key, _MESSAGE)
        tree = SignedTree(self._site.log.folder, self._site.log.key())
        if not _within(_RECOVERY_S, lambda: tree.checkpoint().size > sample.log_index):
            raise StepFailed("树头没有覆盖恢复后的签名")
        found = inspect_log(self._site.log.folder, self._site.log.key())
        if found.damages:
            raise StepFailed(f"日志有 {len(found.damages)} 处损坏：{found.damages[0].code}")
        return f"{found.entries} 条记录完好，树头覆盖记录 {sample.log_index}"

    # ---- the key

    def _compromise(self) -> str:
        return self._site.register_compromise(self._known().key)

    def _verification_refused(self) -> str:
        try:
            verdict = self._site.remote.verify(self._known(), _MESSAGE)
        except Refused as problem:
            if problem.reason != "KEY_NOT_ACTIVE":
                raise
            return f"验签被拒绝：{problem.told}"
        raise StepFailed(f"仍以该密钥验签：{verdict}")

    def _others_go_on(self) -> str:
        for key in self._message_keys():
            if key.key != self._known().key:
                sample = self._site.remote.sign(key.key, _MESSAGE)
                return f"{sample.key} 签名成功"
        raise StepFailed("没有另一把报文密钥可用")

    def _uses_are_known(self) -> str:
        sample, place = self._known(), self._site.log
        tree = SignedTree(place.folder, place.key())
        if not _within(_RECOVERY_S, lambda: tree.checkpoint().size > sample.log_index):
            raise StepFailed("树头没有覆盖该密钥的签名")
        size = tree.checkpoint().size
        tiles = Tiles(place.folder)
        uses = 0
        for number in range((size + WIDTH - 1) // WIDTH):
            for entry in map(json.loads, tiles.entries(number, size)):
                uses += entry.get("kind") == "signature" and entry.get("key") == sample.key
        if not uses:
            raise StepFailed("日志中没有找到该密钥的使用")
        return f"{size} 条记录中，{sample.key} 签名 {uses} 次"


def _within(seconds: float, holds: Callable[[], bool]) -> bool:
    """Whether it holds before the time is over."""
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(_POLL_S)
    return True
