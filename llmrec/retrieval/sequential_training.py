"""Training of the sequential network: cross-entropy over the catalogue, early stopping, refit."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from llmrec.retrieval.sequential_batches import NO_ITEM, Sequence64, cut, held_out, padded, shuffled_batches
from llmrec.retrieval.sequential_model import SequenceNetwork
from llmrec.retrieval.sequential_plan import Compute, EpochProgress, EpochReport, TrainingPlan

_MOST_HELD_OUT = 5000
_AT_ONCE = 256  # histories scored together
_K = 10
_POPULARITY_POWER = 0.75  # between uniform and popular, as in word2vec (Mikolov et al. 2013)
_LARGEST_STEP = 1.0  # norm to which gradients are clipped
_AVERAGED_EPOCHS = 2.0  # how far back the mean of the weights reaches
_FIRST_STEPS = 10  # over which that mean forgets the weights that were drawn


def train_network(
    new_network: Callable[[], SequenceNetwork],
    sequences: Sequence[Sequence64],
    *,
    plan: TrainingPlan,
    compute: Compute,
    seed: int,
    progress: EpochProgress | None = None,
) -> SequenceNetwork:
    """A network of `new_network`, trained for the number of epochs that is best on held-out last items.

    Without `plan.refit` it is the one that was best; with it, a new one trained as long on everything. Where no user
    has three items nothing can be held out, and training lasts `plan.max_epochs`. What is tested and returned is a
    moving mean of the weights: single steps over few histories are noisy.
    """
    rest, histories, answers = held_out(sequences, _MOST_HELD_OUT, np.random.default_rng(seed))
    n_epochs = plan.max_epochs
    if histories:
        with seeded(seed, compute):
            run = _Run(new_network(), rest, plan, compute, seed)
            n_epochs = run.until_best(histories, answers, progress)
        if not plan.refit:
            return run.averaged
    with seeded(seed, compute):
        return continue_training(
            new_network(), sequences, n_epochs=n_epochs, plan=plan, compute=compute, seed=seed, progress=progress
        )


def continue_training(
    network: SequenceNetwork,
    sequences: Sequence[Sequence64],
    *,
    n_epochs: int,
    plan: TrainingPlan,
    compute: Compute,
    seed: int,
    progress: EpochProgress | None = None,
) -> SequenceNetwork:
    """What becomes of `network` in `n_epochs` more passes over `sequences`, with nothing held out."""
    run = _Run(network, sequences, plan, compute, seed)
    for _ in range(n_epochs):
        run.epoch(n_epochs, progress)
    return run.averaged


@contextmanager
def seeded(seed: int, compute: Compute) -> Iterator[None]:
    """Fix what is drawn inside (weights, dropout, sampled items) and leave torch's generators as they were."""
    device = torch.device(compute.device)
    others = [] if device.type == "cpu" else [device.index or 0]
    with torch.random.fork_rng(others, device_type="cuda" if device.type == "cpu" else device.type):
        torch.manual_seed(seed)
        yield


def last_states(network: SequenceNetwork, histories: Sequence[Sequence64], vectors: Tensor) -> Tensor:
    """What the newest `max_length` items of each history say of the next one, [n, dim]; no history may be empty."""
    newest = [history[-network.shape.max_length :] for history in histories]
    items = torch.from_numpy(padded(newest)).to(vectors.device)
    states: Tensor = network(items, vectors)
    return states[:, -1]


def next_item_ndcg(network: SequenceNetwork, histories: Sequence[Sequence64], answers: Sequence64) -> float:
    """Mean NDCG@10 of the next items among all trained ones outside each history; ties get their mean rank."""
    gains = []
    with torch.inference_mode():
        vectors = network.item_vectors(len(network.ids))
        for start in range(0, len(histories), _AT_ONCE):
            known = histories[start : start + _AT_ONCE]
            scores = last_states(network, known, vectors) @ vectors.T
            target = torch.from_numpy(answers[start : start + _AT_ONCE]).to(scores.device).unsqueeze(1)
            value = scores.gather(1, target)
            for row, history in zip(scores, known, strict=True):
                row[torch.from_numpy(history).to(row.device)] = -torch.inf
            above, tied = (scores > value).sum(1), (scores.scatter(1, target, -torch.inf) == value).sum(1)
            ranks = 1 + above + tied / 2
            gains.append(torch.where(ranks <= _K, 1 / torch.log2(ranks + 1), 0.0))
    return float(torch.cat(gains).mean())


class _Run:
    """One network on its way, and the moving mean of its weights."""

    def __init__(
        self,
        network: SequenceNetwork,
        sequences: Sequence[Sequence64],
        plan: TrainingPlan,
        compute: Compute,
        seed: int,
    ) -> None:
        self._network = network.to(compute.device)
        self.averaged = copy.deepcopy(self._network).eval()
        self._plan = plan
        self._compute = compute
        self._pieces = cut(sequences, network.shape.max_length)
        self._rng = np.random.default_rng(seed)
        self._optimizer = torch.optim.AdamW(network.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay)
        n_steps = max(1, -(-len(self._pieces) // plan.batch_size))
        self._decay = 1.0 - 1.0 / (1.0 + _AVERAGED_EPOCHS * n_steps)
        self._n_steps_done = 0
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimizer, lambda step: min(1.0, (step + 1) / n_steps))
        self._sampler = _Sampler(sequences, network, plan.n_negatives)
        self._n_done = 0
        self._started = time.monotonic()

    def until_best(self, histories: Sequence[Sequence64], answers: Sequence64, progress: EpochProgress | None) -> int:
        """Train until the hold-out value has not risen for `patience` epochs; `averaged` is then the best one."""
        best, best_epoch, weights = -1.0, 0, self.averaged.state_dict()
        while self._n_done < self._plan.max_epochs and self._n_done - best_epoch < self._plan.patience:
            ndcg = self.epoch(self._plan.max_epochs, progress, (histories, answers))
            if ndcg > best:
                best, best_epoch = ndcg, self._n_done
                weights = {name: value.clone() for name, value in self.averaged.state_dict().items()}
        self.averaged.load_state_dict(weights)
        return best_epoch

    def epoch(
        self,
        n_epochs: int,
        progress: EpochProgress | None,
        tested: tuple[Sequence[Sequence64], Sequence64] | None = None,
    ) -> float:
        """One pass; the hold-out value after it, nan without `tested`."""
        self._network.train()
        losses = [self._step(batch) for batch in shuffled_batches(self._pieces, self._plan.batch_size, self._rng)]
        self._n_done += 1
        ndcg = next_item_ndcg(self.averaged, *tested) if tested else float("nan")
        if progress is not None:
            eta_s = (time.monotonic() - self._started) / self._n_done * (n_epochs - self._n_done)
            progress(EpochReport(self._n_done, float(np.mean(losses)) if losses else float("nan"), ndcg, eta_s))
        return ndcg

    def _step(self, batch: np.ndarray) -> float:
        items = torch.from_numpy(batch).to(self._compute.device)
        with torch.autocast(items.device.type, torch.bfloat16, enabled=self._compute.dtype == "bfloat16"):
            loss = self._loss(items[:, :-1], items[:, 1:])
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._network.parameters(), _LARGEST_STEP)
        self._optimizer.step()
        self._schedule.step()
        self._average()
        return float(loss.detach())

    def _average(self) -> None:
        self._n_steps_done += 1
        decay = min(self._decay, self._n_steps_done / (self._n_steps_done + _FIRST_STEPS))
        with torch.no_grad():
            for mean, now in zip(self.averaged.parameters(), self._network.parameters(), strict=True):
                mean.lerp_(now, 1.0 - decay)

    def _loss(self, items: Tensor, targets: Tensor) -> Tensor:
        # Items without interactions are no competitors: they were not passed over, nobody could meet them.
        vectors = self._network.item_vectors(len(self._network.ids))
        real = items != NO_ITEM
        states, targets = self._network(items, vectors)[real], targets[real]
        if self._plan.n_negatives:
            return self._sampler.loss(states, vectors, targets)
        return functional.cross_entropy(
            (states @ vectors.T).float(), targets, label_smoothing=self._plan.label_smoothing
        )


class _Sampler:
    """Cross-entropy against sampled items; their scores are corrected by how often they are drawn.

    Source: Bengio & Senecal 2008 (logQ correction); accidental draws of the target are left out.
    """

    def __init__(self, sequences: Sequence[Sequence64], network: SequenceNetwork, n_negatives: int) -> None:
        items = np.concatenate([*sequences, np.empty(0, dtype=np.int64)])
        weights = np.bincount(items, minlength=len(network.ids)).astype(np.float64) ** _POPULARITY_POWER
        self._shares = torch.from_numpy(weights / max(weights.sum(), 1.0)).float().to(network.ids.device)
        self._n = n_negatives

    def loss(self, states: Tensor, vectors: Tensor, targets: Tensor) -> Tensor:
        drawn = torch.multinomial(self._shares, self._n, replacement=True)
        others = (states @ vectors[drawn].T).float() - torch.log(self._n * self._shares[drawn])
        others = others.masked_fill(targets.unsqueeze(1) == drawn, -torch.inf)
        own = (states * vectors[targets]).sum(1, keepdim=True).float()
        return functional.cross_entropy(torch.cat([own, others], dim=1), torch.zeros_like(targets))
