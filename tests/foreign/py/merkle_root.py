"""Prints the RFC 6962 root hash, in hex, of the entry headers in a file.

usage: merkle_root.py FILE

FILE holds one entry header per line, in index order. A leaf is the line without its line feed, byte for byte:
nothing is parsed, so that this program shares no reading of the format with the one it checks. The tree is
pymerkle's, not ours.
"""

import sys

from pymerkle import InmemoryTree


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    tree = InmemoryTree(algorithm="sha256")
    size = 0
    with open(sys.argv[1], "rb") as lines:
        for line in lines:
            if not line.endswith(b"\n"):
                print(f"{sys.argv[1]}: line {size + 1} does not end with a line feed: cut short?", file=sys.stderr)
                return 2
            tree.append_entry(line[:-1])
            size += 1
    if size == 0:
        print(f"{sys.argv[1]}: no entry header in it", file=sys.stderr)
        return 2
    print(tree.get_root().hex())
    return 0


if __name__ == "__main__":
    sys.exit(main())
