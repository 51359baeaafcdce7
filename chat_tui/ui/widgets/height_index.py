"""Which piece is at which row: heights under a binary indexed tree, so that one change costs O(log n)."""

from __future__ import annotations


class HeightIndex:
    """A list of heights (rows) with fast prefix sums. Pieces are appended and removed at the end."""

    def __init__(self) -> None:
        self._heights: list[int] = []
        self._tree: list[int] = [0]

    def __len__(self) -> int:
        return len(self._heights)

    def __getitem__(self, index: int) -> int:
        return self._heights[index]

    @property
    def total(self) -> int:
        """All rows."""
        return self.top(len(self._heights))

    def append(self, height: int) -> None:
        """Add a piece at the end."""
        self._heights.append(height)
        node = len(self._heights)
        # A node sums the `node & -node` heights that end with it: this one and the nodes just below.
        covered, below = height, node - 1
        while below > node - (node & -node):
            covered += self._tree[below]
            below -= below & -below
        self._tree.append(covered)

    def truncate(self, count: int) -> None:
        """Keep the first `count` pieces; no remaining node covers a removed one."""
        del self._heights[count:]
        del self._tree[count + 1 :]

    def update(self, index: int, height: int) -> None:
        """Change one height. Raises IndexError."""
        change = height - self._heights[index]
        if not change:
            return
        self._heights[index] = height
        node = index + 1
        while node < len(self._tree):
            self._tree[node] += change
            node += node & -node

    def top(self, index: int) -> int:
        """The row at which piece `index` begins; `index == len` gives the total."""
        rows = 0
        while index > 0:
            rows += self._tree[index]
            index -= index & -index
        return rows

    def find(self, row: int) -> tuple[int, int]:
        """The piece that shows `row` and the row inside it; pieces without height are skipped.

        Raises IndexError when `row` is not in 0 .. total - 1.
        """
        if not 0 <= row < self.total:
            raise IndexError(row)
        node, step = 0, 1 << (len(self._heights).bit_length() - 1)
        while step:
            after = node + step
            if after < len(self._tree) and self._tree[after] <= row:
                node = after
                row -= self._tree[after]
            step >>= 1
        return node, row
