"""Trains the liveness network, in an environment of its own: it needs torch, which idproof does not.

    python -m idproof.benchmarks.liveness.crops --root lfw-250.zip --clips 90 --out crops.npz
    python models/training/liveness_texture.py crops.npz models/networks/liveness_texture.onnx

Two crops per face (`pipeline/liveness/crops.py`) go through four strided convolutions each; one logit comes out, higher
for bona fide.
"""

# mypy: ignore-errors
import argparse
import sys

import numpy as np
import torch
from torch import nn

SEED, EPOCHS, BATCH, RATE = 50_502, 14, 32, 2e-3  # chosen by hand; no outside source


def trunk() -> nn.Sequential:
    """Maps (n, 3, 64, 64) to (n, 48)."""
    layers: list[nn.Module] = []
    for before, after in ((3, 12), (12, 24), (24, 32), (32, 48)):
        layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())


class Network(nn.Module):
    """Maps (n, 3, 64, 64) twice, 0..255, to (n,) logits."""

    def __init__(self) -> None:
        super().__init__()
        self.skin, self.context = trunk(), trunk()
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(96, 1))

    def forward(self, skin: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        """Returns logits, higher for bona fide."""
        both = [self.skin(skin / 127.5 - 1), self.context(context / 127.5 - 1)]
        return self.head(torch.cat(both, dim=1)).squeeze(1)


def augment(batch: torch.Tensor) -> torch.Tensor:
    """Mirrors at random and scales each channel, so that the colour of light is no cue."""
    flip = torch.rand(len(batch), 1, 1, 1) < 0.5
    gain = 1 + 0.24 * (torch.rand(len(batch), 3, 1, 1) - 0.5)
    return (torch.where(flip, batch.flip(3), batch) * gain).clamp(0, 255)


def main() -> None:
    """Trains and writes ONNX."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("crops")
    parser.add_argument("out")
    arguments = parser.parse_args()
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    data = np.load(arguments.crops)
    skin, context = (torch.from_numpy(data[name]).permute(0, 3, 1, 2).float() for name in ("skin", "context"))
    genuine = torch.from_numpy((data["kinds"] == "bona_fide").astype(np.float32))
    network = Network()
    optimiser = torch.optim.AdamW(network.parameters(), RATE, weight_decay=1e-2)
    steps = EPOCHS * -(-len(genuine) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    loss = nn.BCEWithLogitsLoss(pos_weight=(1 - genuine).sum() / genuine.sum())
    for epoch in range(EPOCHS):
        total = 0.0
        for rows in torch.randperm(len(genuine)).split(BATCH):
            optimiser.zero_grad()
            error = loss(network(augment(skin[rows]), augment(context[rows])), genuine[rows])
            error.backward()
            optimiser.step()
            schedule.step()
            total += float(error) * len(rows)
        sys.stderr.write(f"epoch {epoch + 1}: {total / len(genuine):.4f}\n")
    network.eval()
    torch.onnx.export(
        network,
        (skin[:1], context[:1]),
        arguments.out,
        input_names=["skin", "context"],
        output_names=["logit"],
        dynamic_axes={"skin": {0: "n"}, "context": {0: "n"}, "logit": {0: "n"}},
        dynamo=False,
    )


if __name__ == "__main__":
    main()
