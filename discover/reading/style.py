"""The look of a page: light or dark as the reader's system has it, readable on a small screen and on paper."""

STYLE = """
:root {
  color-scheme: light dark;
  --ink: #1c2330; --soft: #5b6577; --page: #f6f7f9; --card: #ffffff; --line: #dfe3ea; --accent: #2456c4; --good: #17724a;
  --bad: #b3261e; --mark: #eef3fd;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e6e9ef; --soft: #9aa5b8; --page: #12151b; --card: #1a1f28; --line: #2d3542; --accent: #8db2ff; --good: #6fd3a3;
    --bad: #ff9b93; --mark: #1f2a40;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
main { max-width: 68rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .4rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 0 0 .9rem; }
h3 { font-size: 1rem; margin: 1.2rem 0 .5rem; }
p { margin: .4rem 0; }
.lead { font-size: 1.1rem; }
.soft { color: var(--soft); }
section {
  background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1.25rem 1.4rem; margin-top: 1.25rem;
}
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .93rem; }
th {
  text-align: left; color: var(--soft); font-weight: 600; border-bottom: 1px solid var(--line);
  padding: .35rem .9rem .35rem .6rem;
}
td { padding: .3rem .9rem .3rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
tr:last-child td { border-bottom: 0; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
tr.changed { background: var(--mark); }
tr.component td { font-weight: 600; }
tr.component td.takes { font-weight: 400; }
td code { overflow-wrap: normal; }
td.takes { color: var(--soft); }
code { font: .9em ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
.better { color: var(--good); font-weight: 600; }
.worse { color: var(--bad); font-weight: 600; }
.formulas { display: grid; gap: 1.1rem; }
.formulas figure { margin: 0; overflow-x: auto; }
.formulas figcaption { color: var(--soft); font-size: .85rem; margin-bottom: .3rem; }
svg.formula { display: block; max-width: none; }
.formulas figure.short svg.formula { max-width: 100%; height: auto; }
details { margin-top: 1rem; }
summary { cursor: pointer; color: var(--accent); }
summary:focus-visible, a:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.pictures { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); }
.pictures figure { margin: 0; }
.pictures figure.own { grid-column: 1 / -1; }
.pictures img { width: 100%; height: auto; background: #fff; border-radius: .4rem; padding: .5rem; }
.pictures figure.own img { max-width: 52rem; }
figcaption { color: var(--soft); font-size: .9rem; }
dl { display: grid; grid-template-columns: minmax(8rem, max-content) 1fr; gap: .35rem 1.2rem; margin: 0; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
.sweeps { display: grid; gap: 1.2rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr)); }
.sweeps figure { margin: 0; }
svg.sweep { width: 100%; height: auto; }
svg.sweep text { fill: var(--soft); font-size: 11px; }
svg.sweep .axis { stroke: var(--line); }
svg.sweep .band { stroke: var(--accent); stroke-width: 1.5; }
svg.sweep .curve { stroke: var(--accent); fill: none; stroke-width: 1.5; opacity: .55; }
svg.sweep circle { fill: var(--accent); }
svg.sweep .broken { stroke: var(--bad); stroke-width: 2; fill: none; }
svg.sweep circle.own { fill: var(--card); stroke: var(--ink); stroke-width: 2; }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .6rem; } }
@media print { body { background: #fff; } section { break-inside: avoid; border-color: #bbb; } }
"""
