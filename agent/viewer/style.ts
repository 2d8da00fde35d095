/** How the pages look: nothing from elsewhere, and no colour without a twin in the dark. */
export const STYLE = `:root{color-scheme:light dark;--bg:#f6f8f9;--card:#fff;--ink:#17242c;--soft:#54656f;--line:#dde4e8;--link:#0b5f86;--bad:#b3261e}
@media(prefers-color-scheme:dark){:root{--bg:#0e1519;--card:#151e24;--ink:#e4ecf0;--soft:#9fb0ba;--line:#283640;--link:#7cc4e6;--bad:#ff9a90}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
main,header,footer{max-width:70rem;margin:0 auto;padding:0 1.25rem}
header{padding-top:1.5rem}
h1{font-size:1.6rem;line-height:1.25;font-weight:600;margin:.8rem 0 .35rem}
a{color:var(--link)}
:focus-visible{outline:3px solid var(--link);outline-offset:2px;border-radius:.2rem}
.skip{position:absolute;left:-99rem}
.skip:focus{left:1rem;top:1rem;background:var(--card);padding:.5rem 1rem}
.soft,footer{color:var(--soft)}
.bad{color:var(--bad);font-weight:600}
nav ol{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem .5rem;margin:0;padding:0}
nav li+li::before{content:"/";color:var(--soft);margin-right:.5rem}
.scroll{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:.6rem;margin:1rem 0}
table{border-collapse:collapse;width:100%}
caption{text-align:left;padding:.6rem .9rem;color:var(--soft)}
th,td{text-align:left;padding:.45rem .9rem;border-top:1px solid var(--line);vertical-align:top}
th[scope=row]{font-weight:400;min-width:12rem}
td,thead th{white-space:nowrap}
.n{text-align:right}
code{font:.875rem/1.6 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
footer{font-size:.875rem;padding-bottom:2rem}`;
