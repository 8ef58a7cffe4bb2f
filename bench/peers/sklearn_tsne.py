#!/usr/bin/python3
"""Peer: scikit-learn's Barnes-Hut t-SNE (perplexity 30, from principal components, automatic learning rate).

    sklearn_tsne.py FILE --dimensions 50 [--threads 2]

FILE holds float32 points, row by row, as `bench_embedding DATASET test FILE` writes them. Prints the seconds, the KL
divergence as scikit-learn reports it (its normalisation is Barnes-Hut's approximation), and the exact one of the same
map, which is what fv_embed reports.
"""
import argparse
import time

import numpy as np
from sklearn.manifold import TSNE, _t_sne
from sklearn.neighbors import NearestNeighbors

PERPLEXITY = 30


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--dimensions", type=int, required=True)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def joint_probabilities(x, n_jobs):
    """The sparse P, as TSNE makes it."""
    k = min(len(x) - 1, int(3 * PERPLEXITY + 1))
    distances = NearestNeighbors(n_neighbors=k, n_jobs=n_jobs).fit(x).kneighbors_graph(mode="distance")
    distances.data **= 2
    return _t_sne._joint_probabilities_nn(distances, PERPLEXITY, 0).tocoo()


def exact_divergence(p, y):
    y = y.astype(np.float64)
    z = -float(len(y))
    for first in range(0, len(y), 500):
        z += (1 / (1 + ((y[first:first + 500, None] - y[None]) ** 2).sum(-1))).sum()
    q = 1 / (1 + ((y[p.row] - y[p.col]) ** 2).sum(-1)) / z
    used = p.data > 0
    return (p.data[used] * np.log(p.data[used] / q[used])).sum()


def main():
    arguments = parse_arguments()
    x = np.fromfile(arguments.file, np.float32).reshape(-1, arguments.dimensions)
    tsne = TSNE(2, perplexity=PERPLEXITY, init="pca", learning_rate="auto", random_state=0, n_jobs=arguments.threads)
    start = time.time()
    y = tsne.fit_transform(x)
    time_s = time.time() - start
    exact = exact_divergence(joint_probabilities(x, arguments.threads), y)
    print(f"scikit-learn t-SNE {len(x)} x {x.shape[1]}, {arguments.threads} threads, {tsne.n_iter_ + 1} iterations: "
          f"{time_s:.1f} s, KL {tsne.kl_divergence_:.4f} reported, {exact:.4f} exact")


if __name__ == "__main__":
    main()
