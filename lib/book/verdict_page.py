"""The verdicts on the paper's claims as pages show them: all on the front page, a chapter's own in the chapter."""

import html
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from lib.book.chapters import NO_DATASET
from lib.book.verdicts import VERDICTS, ClaimVerdict, Judgement, of_chapter

COLUMNS = {"arithmetic": "by arithmetic", "standin": "stand-in data", "real": "real data"}
WRONG = "contradicted"
BASES = {  # what a verdict by arithmetic rests on, in words
    "printed": "by the paper's printed numbers alone",
    "code": "by the authors' released code",
    "literature": "by what others published of the datasets and methods",
}
ONE_LINE = 170  # characters of evidence that are shown at once
SENTENCE_END = re.compile(r"(?<=\.) (?=[A-Z])")
MEANINGS = {
    "contradicted": "published numbers, or the released code, exclude it",
    "holds": "the published numbers agree with it; nothing was measured",
    "replicated": "measured on the real dataset, within its limits",
    "not replicated": "measured on the real dataset, and outside its limits",
    "underpowered": "measured on too few clips, people or seeds to say",
    "not testable here": "the numbers or the data at hand cannot decide it",
    "not run": "it can be tested, and has not been",
}


def verdict_page(verdicts: Sequence[ClaimVerdict]) -> str:
    """Markdown with the counts, the table of all claims and the meaning of each verdict.

    Claims that arithmetic contradicts stand first; within a verdict the order is that of `claims.yml`.
    """
    ordered = sorted(verdicts, key=_weight)
    rows = "\n".join(_row(verdict) for verdict in ordered)
    meanings = "\n".join(f"- {badge(name)} {meaning}" for name, meaning in MEANINGS.items())
    heads = "".join(f"<th>{title}</th>" for title in COLUMNS.values())
    return (
        f"{counts_sentences(verdicts)}\n\n"
        f'<table class="verdicts"><thead><tr><th>what the paper says</th>{heads}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody></table>\n\n{meanings}\n"
    )


def answers(chapter, found: Mapping, store) -> str:
    """What the judge says to a chapter's results, as Markdown: a line for each claim that they bear on.

    Parameters
    ----------
    chapter : lib.book.provenance.Chapter
    found : mapping
        The results that the chapter will finish with.
    store : ProcessedStore
    """
    content = {"results": found, "provenance": chapter.source(store)}
    said = of_chapter(chapter.notebook, store.dataset, content)
    return (
        "\n".join(
            f"- {badge(judgement.verdict)} {claim.statement} *({claim.where})* {judgement.evidence}"
            for claim, judgement in said
        )
        or "The paper claims nothing that these runs on these clips could test."
    )


def counts_sentences(verdicts: Sequence[ClaimVerdict]) -> str:
    """How many claims there are and what became of them."""
    arithmetic = Counter(one.arithmetic.verdict for one in verdicts if one.arithmetic)
    real = Counter(one.real.verdict for one in verdicts if one.real)
    basis = Counter(one.arithmetic.rests_on for one in verdicts if one.arithmetic and one.arithmetic.verdict == WRONG)
    told = ", ".join(f"{basis[name]} {by}" for name, by in BASES.items() if basis[name])
    text = (
        f"**{len(verdicts)} claims** of the paper can be checked. Without any recording, "
        f"**{arithmetic[WRONG]} are contradicted**{f': {told}' if told else ''}. The printed numbers agree with "
        f"{arithmetic['holds']}, which confirms none of them."
    )
    undecided = ("not run", "not testable here")
    tested = sum(count for verdict, count in real.items() if verdict not in undecided)
    if tested:
        told = ", ".join(f"{real[name]} {name}" for name in VERDICTS if real[name] and name not in undecided)
        text += f" On real data {tested} of {real.total()} could be tested: {told}."
    elif real["not testable here"]:
        text += f" {real.total()} need the licensed recordings; what was measured on them here decides none."
    else:
        text += (
            f" {real.total()} need the licensed recordings, some of those counted above among them, and have **not "
            "been tested**: what was measured here was measured on rendered faces."
        )
    return text


def badge(verdict: str) -> str:
    """A verdict as a coloured word."""
    return f'<span class="verdict verdict-{verdict.replace(" ", "-")}" title="{MEANINGS[verdict]}">{verdict}</span>'


def _row(one: ClaimVerdict) -> str:
    judgements = {name: getattr(one, name) for name in COLUMNS}
    evidence = "".join(
        _evidence(COLUMNS[name], judgement.evidence)
        for name, judgement in judgements.items()
        if judgement is not None and judgement.verdict != "not run"
    )
    evidence += "".join(_evidence("how to read it", caveat) for caveat in one.caveats)
    statement = _plain(one.claim.statement)
    if one.chapter is not None:
        dataset, notebook = one.chapter
        statement = f'<a href="chapters/{dataset}/{notebook}.html">{statement}</a>'
    elif one.claim.kind != "audit" and (one.arithmetic is not None or one.caveats):
        statement = f'<a href="chapters/{NO_DATASET}/09_audit.html">{statement}</a>'
    cells = "".join(f"<td>{_cell(judgement)}</td>" for judgement in judgements.values())
    claim = f'<tr class="claim"><td>{statement} <small>({html.escape(one.claim.where)})</small></td>{cells}</tr>'
    return claim + f'<tr><td colspan="{len(COLUMNS) + 1}">{evidence}</td></tr>'


def _evidence(title: str, text: str) -> str:
    """As many whole sentences as fit in one line, at least one, and the rest behind them."""
    head = f"<b>{title}:</b> "
    shown, *rest = SENTENCE_END.split(text)
    while rest and len(shown) + 1 + len(rest[0]) <= ONE_LINE:
        shown = f"{shown} {rest.pop(0)}"
    if not rest:
        return f'<div class="evidence">{head}{_plain(shown)}</div>'
    return f'<details class="evidence"><summary>{head}{_plain(shown)}</summary>{_plain(" ".join(rest))}</details>'


def _plain(text: str) -> str:
    """Text as HTML; *emphasis* as Markdown writes it is kept."""
    return re.sub(r"\*([^*\s][^*]*)\*", r"<i>\1</i>", html.escape(text))


def _cell(judgement: Judgement | None) -> str:
    return "" if judgement is None else badge(judgement.verdict)


def _weight(one: ClaimVerdict) -> int:
    return VERDICTS.index(one.arithmetic.verdict) if one.arithmetic else len(VERDICTS)
