"""The locator against tomllib: every key that one finds, the other can place."""

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from warehouse.config.positions import lines_of

TRICKY = '''\
# a comment with [brackets] and = signs
"quoted.key" = 1
'literal \\ key' = 2   # trailing
a.b . "c d".e = { x = 1, "y" = [1, { z = 2 }], s = "}" }
long = """
[not.a.table]
fake = 1 \\"""
"""
raw = \'\'\'
also = "fake"
\'\'\'
ends = """four quotes""""
list = [
  "x", # comment ]
  [1, 2,
   3],
  { k = "v" },
]
[t."sub.table"]
k = 1979-05-27T07:32:00Z
[[t.many]]
n = 1
[[t.many]]
n = 2
[t.many.inner]
deep = true
[[t.many.again]]
m = -inf
'''


def paths(value: object, at: tuple = ()) -> list[tuple]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path for key, child in children for path in [(*at, key), *paths(child, (*at, key))]]


def test_every_key_of_a_tricky_file_has_its_line() -> None:
    lines = lines_of(TRICKY)
    assert set(paths(tomllib.loads(TRICKY))) == set(lines)
    text = TRICKY.splitlines()
    assert "sub.table" in text[lines["t", "sub.table"] - 1]
    assert text[lines["t", "many", 1, "n"] - 1] == "n = 2"
    assert text[lines["t", "many", 1, "inner", "deep"] - 1] == "deep = true"
    assert text[lines["t", "many", 1, "again", 0, "m"] - 1] == "m = -inf"
    assert text[lines["list", 1, 2] - 1].strip() == "3],"
    assert lines["a", "b", "c d", "e", "y", 1, "z"] == 4


def test_windows_line_ends_give_the_same_lines() -> None:
    assert lines_of(TRICKY.replace("\n", "\r\n")) == lines_of(TRICKY)


scalars = st.sampled_from(
    ['"a"', "'b'", '"""c\n# d = [\n"""', "'''e\n]\n'''", "1", "-2.5e3", "true", "2026-01-01", '"\\""', '""', "''"]
)
gaps = st.sampled_from(["", " ", "\n", " # [x]\n", "\n\n"])
keys = st.sampled_from(["a", "b-c", "1", '"d.e"', "'f'", '"\\u0041"'])


def arrays(inner):
    return st.tuples(st.lists(inner, max_size=3), gaps).map(
        lambda t: "[" + t[1] + f",{t[1]}".join(t[0]) + t[1] + "]"
    )


def tables(inner):
    entries = st.dictionaries(keys, inner, max_size=3)
    return entries.map(lambda d: "{ " + ", ".join(f"{k} = {v}" for k, v in d.items()) + " }")


values = st.recursive(scalars, lambda inner: arrays(inner) | tables(inner), max_leaves=8)


@given(st.lists(st.tuples(gaps, st.dictionaries(keys, values, max_size=3)), max_size=4))
def test_every_key_of_a_generated_file_has_a_line_that_names_it(sections) -> None:
    text = ""
    for index, (gap, pairs) in enumerate(sections):
        text += f"[[many]]\n{gap}\n" if index % 2 else f"[s{index}]\n"
        text += "".join(f"{key} = {value}\n{gap}" for key, value in pairs.items()) + "\n"
    try:
        parsed = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    lines = lines_of(text)
    assert set(lines) == set(paths(parsed))
    for path, line in lines.items():
        name = path[-1]
        if isinstance(name, str) and name.isalpha() and name != "A":
            assert name in text.splitlines()[line - 1]
