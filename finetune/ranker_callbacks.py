"""What watches a training: when it has to end, how far it is, and where its time goes."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import torch
from accelerate.utils import broadcast_object_list
from tqdm import tqdm
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from finetune.time_limit import TimeLimit

_PROFILED_STEPS = 3
_PROFILE_ROWS = 30
_SHOWN = ("loss", "eval_fused", "eval_lm")


class Termination:
    """Whether somebody asked the process to end."""

    def __init__(self) -> None:
        self.asked = False

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Within, SIGTERM is only noted, for the step to end and a checkpoint to be written."""
        before = signal.signal(signal.SIGTERM, self._note)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.asked = True


class StopEarly(TrainerCallback):
    """Ends training between two steps, with a checkpoint to resume from.

    The library's own checkpoint on SIGTERM may fall into a step, whose chance is then drawn twice; resumed, such a run
    would not be what it would have been.
    """

    def __init__(self, limit: TimeLimit, termination: Termination) -> None:
        """Watch both."""
        self._limit = limit
        self._termination = termination

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        """Stop when it is time; who has to leave at once is not kept by an evaluation."""
        # The processes' clocks differ, and one that went on alone would wait for the others for ever.
        late, asked = broadcast_object_list([self._limit.is_over, self._termination.asked])
        if late or asked:
            control.should_save = control.should_training_stop = True
            control.should_evaluate = not asked


class Progress(TrainerCallback):
    """A bar with steps, tokens per second, time to go and the latest numbers, and `metrics.jsonl`."""

    def __init__(self, path: Path) -> None:
        """Write the curve to `path`."""
        self._path = path
        self._bar: tqdm | None = None
        self._shown: dict[str, str] = {}
        self._tokens_before, self._seconds, self._began = 0, 0.0, 0.0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        """Begin the curve with what the resumed checkpoint knew."""
        self._tokens_before = int(state.num_input_tokens_seen)
        if state.is_world_process_zero:
            self._path.write_text("".join(f"{json.dumps(entry)}\n" for entry in state.log_history), encoding="utf-8")
            self._bar = tqdm(
                total=state.max_steps, initial=state.global_step, desc="training", unit="step", file=sys.stderr,
                dynamic_ncols=True, disable=None,
            )  # fmt: skip

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        """Note when, for evaluations and checkpoints are no training."""
        self._began = time.perf_counter()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        """Move the bar."""
        self._seconds += time.perf_counter() - self._began
        if self._bar is not None:
            rate = (int(state.num_input_tokens_seen) - self._tokens_before) / max(self._seconds, 1e-9)
            self._bar.set_postfix({**self._shown, "tokens/s": f"{rate:,.0f}"}, refresh=False)
            self._bar.update()

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, float] | None = None,
        **kwargs: object,
    ) -> None:
        """Write a line of the curve."""
        if state.is_world_process_zero and state.log_history:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(state.log_history[-1]) + "\n")
            found = {key: value for key, value in (logs or {}).items() if key in _SHOWN}
            self._shown |= {key: f"{value:.4f}" for key, value in found.items()}

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        """Close the bar."""
        if self._bar is not None:
            self._bar.close()


class Profile(TrainerCallback):
    """Records a few steps after the first one: a table of operators and a trace for Perfetto."""

    def __init__(self, directory: Path) -> None:
        """Write `profile.txt` and `trace.json` into `directory`."""
        self._directory = directory
        activities = [torch.profiler.ProfilerActivity.CPU]
        if torch.cuda.is_available():
            activities.append(torch.profiler.ProfilerActivity.CUDA)
        self._profiler = torch.profiler.profile(
            activities=activities,
            schedule=torch.profiler.schedule(wait=1, warmup=1, active=_PROFILED_STEPS, repeat=1),
            on_trace_ready=self._write,
            record_shapes=True,
        )

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        """Start."""
        self._profiler.start()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        """Another step."""
        self._profiler.step()

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        """Stop, also a run shorter than what was to be recorded."""
        self._profiler.stop()

    def _write(self, profiler: torch.profiler.profile) -> None:
        by = "self_cuda_time_total" if torch.cuda.is_available() else "self_cpu_time_total"
        table = profiler.key_averages().table(sort_by=by, row_limit=_PROFILE_ROWS)
        (self._directory / "profile.txt").write_text(table, encoding="utf-8")
        profiler.export_chrome_trace(str(self._directory / "trace.json"))
