/** How the page looks. It names no colour by itself that has no twin in the dark, and nothing from elsewhere. */
export const STYLE = `:root{color-scheme:light dark;--bg:#f6f8f9;--card:#fff;--ink:#17242c;--soft:#54656f;--line:#dde4e8;--hair:#edf1f3;--link:#0b5f86;
--good:#1f7a4d;--goodbg:#e3f3ea;--warn:#8a5300;--warnbg:#fdf0d8;--bad:#b3261e;--badbg:#fce8e6;--mute:#54656f;--mutebg:#e9eef1;
--none:#e9eef1;--n:#d5dde2;--k:#a99bd0;--r:#cfe8f3;--h:#b5dbeb;--d:#8cc4de;--w:#4fa0c6;--m:#1f78a4;--y:#0b4a6b;--plot:#1f78a4;--fill:#1f78a41f;--veil:#ffffffb8}
@media(prefers-color-scheme:dark){:root{--bg:#0e1519;--card:#151e24;--ink:#e4ecf0;--soft:#9fb0ba;--line:#283640;--hair:#1e2a32;--link:#7cc4e6;
--good:#6fd09b;--goodbg:#15352555;--warn:#f0b860;--warnbg:#3a2b1055;--bad:#ff9a90;--badbg:#47191666;--mute:#9fb0ba;--mutebg:#222e36;
--none:#1e2a32;--n:#34444f;--k:#8f7fc4;--r:#1d4152;--h:#225268;--d:#2b6985;--w:#3b8db3;--m:#69b6da;--y:#b5e2f7;--plot:#69b6da;--fill:#69b6da26;--veil:#151e24b8}}
*{box-sizing:border-box}
[hidden]{display:none!important}
body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
main,header,footer{max-width:70rem;margin:0 auto;padding:0 1.25rem}
header{padding-top:2.5rem}
h1{font-size:clamp(1.6rem,4.5vw,2.35rem);line-height:1.2;letter-spacing:-.02em;font-weight:600;margin:1.1rem 0 .35rem;text-wrap:balance}
h2{font-size:1rem;font-weight:600;margin:2.2rem 0 .7rem}
h4{font-size:.875rem;font-weight:600;margin:0 0 .5rem}
p{margin:.3rem 0}
a{color:var(--link)}
.mark{display:flex;align-items:center;gap:.55rem;font-weight:600;color:var(--soft)}
.mark svg{width:1.4rem;height:1.4rem;stroke:var(--plot);fill:none;stroke-width:1.6;stroke-linecap:round}
.soft,time,.ago{color:var(--soft)}
.skip{position:absolute;left:-99rem}
.skip:focus{left:1rem;top:1rem;background:var(--card);padding:.5rem 1rem}
:focus-visible{outline:3px solid var(--link);outline-offset:2px;border-radius:.35rem}
.sums{display:flex;flex-wrap:wrap;gap:.4rem 2.75rem;margin:1.6rem 0 0;padding:0}
.sums div{display:flex;flex-direction:column-reverse}
.sums dt{color:var(--soft);font-size:.875rem}
.sums dd{margin:0;font-size:1.3rem;font-weight:600;letter-spacing:-.01em}
.alarms{list-style:none;margin:0;padding:0;background:var(--card);border:1px solid var(--line);border-left:4px solid var(--bad);border-radius:.6rem}
.alarms li{padding:.7rem 1rem}
.alarms li+li{border-top:1px solid var(--hair)}
.alarms a{font-weight:600}
.todo{color:var(--soft);font-size:.875rem}
code,pre{font:.8125rem/1.6 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
form{display:grid;grid-template-columns:minmax(12rem,1fr) repeat(3,minmax(0,auto)) auto;gap:.75rem;align-items:end;margin:2.4rem 0 .5rem}
label{display:block;font-size:.8125rem;color:var(--soft)}
input,select,button{font:inherit;color:inherit;background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.45rem .7rem;min-height:2.6rem;width:100%}
input,select{display:block;margin-top:.2rem}select{max-width:16rem}
button{cursor:pointer;width:auto}
button:hover{border-color:var(--link)}
[role=status]{color:var(--soft);font-size:.875rem;margin:.2rem 0 .7rem}
.nodes{background:var(--card);border:1px solid var(--line);border-radius:.75rem;overflow:hidden}
.node+.node{border-top:1px solid var(--hair)}
summary{cursor:pointer}
.node>summary{display:grid;grid-template-columns:8rem minmax(9rem,1.2fr) 19rem minmax(8.5rem,1fr) 6.5rem 1rem;gap:1rem;align-items:center;padding:.8rem 1.1rem;list-style:none}
.node>summary::-webkit-details-marker{display:none}
.node>summary:hover{background:var(--hair)}
.node>summary:focus-visible{outline-offset:-3px}
.node>summary::after{content:"";width:.45rem;height:.45rem;border:solid var(--soft);border-width:0 1.5px 1.5px 0;transform:rotate(45deg);justify-self:end}
.node[open]>summary::after{transform:rotate(225deg)}
.node h3{font-size:1rem;font-weight:600;margin:0;line-height:1.35}
.node small{display:block;font-size:.8125rem;color:var(--soft)}
.right{text-align:right}
.pill{display:inline-flex;align-items:center;gap:.45rem;justify-self:start;border-radius:1rem;padding:.12rem .7rem .12rem .55rem;font-size:.8125rem;font-weight:600;color:var(--good);background:var(--goodbg);white-space:nowrap}
.pill::before{content:"";width:.55rem;height:.55rem;border-radius:50%;background:currentColor}
.pill.warn{color:var(--warn);background:var(--warnbg)}.pill.bad{color:var(--bad);background:var(--badbg)}.pill.mute{color:var(--mute);background:var(--mutebg)}
.pill.bad::before{border-radius:1px;transform:rotate(45deg)}.pill.warn::before{border-radius:1px}
svg{display:block}
.strip svg{width:100%;height:1.5rem}
.c-{fill:var(--none)}.cn{fill:var(--n)}.ck{fill:var(--k)}.cr{fill:var(--r)}.ch{fill:var(--h)}.cd{fill:var(--d)}.cw{fill:var(--w)}.cm{fill:var(--m)}.cy{fill:var(--y)}
.cE{fill:none;stroke:var(--n)}.cB{fill:var(--warn)}.cD{fill:var(--bad)}.cP{fill:var(--card);stroke:var(--good);stroke-width:1.5}
.dim{opacity:.18}
.more{padding:.4rem 1.1rem 1.6rem;display:grid;gap:1.6rem;border-top:1px solid var(--hair)}
.more>*{min-width:0}
.two{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1.15fr);gap:1.6rem 2.5rem;margin-top:1rem}
dl.facts{display:grid;grid-template-columns:6.5rem minmax(0,1fr);gap:.25rem 1rem;margin:0;font-size:.9rem}
dl.facts dt{color:var(--soft)}dl.facts dd{margin:0}
.line{display:flex;gap:.5rem;align-items:stretch;margin:.3rem 0 .5rem}
.line code{flex:1;min-width:0;background:var(--hair);border:1px solid var(--line);border-radius:.5rem;padding:.5rem .75rem}
.line button{flex:none;font-size:.875rem}.line+.soft,h4+.soft{font-size:.875rem}
.scroll{overflow-x:auto;padding:2px}
.cal svg text{font:10px system-ui,sans-serif;fill:var(--soft)}
.legend{display:flex;flex-wrap:wrap;gap:.3rem 1rem;list-style:none;padding:0;margin:.6rem 0 0;font-size:.8125rem;color:var(--soft)}
.legend li{display:flex;align-items:center;gap:.4rem}
.legend svg{width:12px;height:12px;overflow:visible}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,14.5rem),1fr));gap:1.4rem 2rem}
figure{margin:0}
figcaption{display:flex;justify-content:space-between;gap:.5rem;font-size:.875rem;font-weight:600}
figcaption span{color:var(--soft);font-weight:400}
.plot{position:relative;border-bottom:1px solid var(--line);margin-top:.4rem}
.range{position:absolute;inset:0 0 .1rem;display:flex;flex-direction:column;justify-content:space-between;align-items:start;font-size:.6875rem;line-height:1.3;color:var(--soft);pointer-events:none}
.range span{background:var(--veil);border-radius:.2rem;padding:0 .2rem;margin-left:-.2rem}
.plot svg{width:100%;height:5.5rem;touch-action:pan-y}
.plot path{fill:none;stroke:var(--plot);stroke-width:1.6;vector-effect:non-scaling-stroke;stroke-linejoin:round;stroke-linecap:round}
.plot .area{fill:var(--fill);stroke:none}
.plot line{stroke:var(--soft);vector-effect:non-scaling-stroke;stroke-dasharray:2 3}
.axis{display:flex;justify-content:space-between;font-size:.75rem;color:var(--soft);margin-top:.15rem}
table{border-collapse:collapse;width:100%;font-size:.8125rem}
th{text-align:left;font-weight:500;color:var(--soft);white-space:nowrap}
th,td{padding:.35rem .8rem .35rem 0;border-bottom:1px solid var(--hair);vertical-align:top}
td{white-space:nowrap}td code{font-size:.75rem}td:last-child,th:last-child{padding-right:0}td.wide{white-space:normal;min-width:12rem}
th.right,td.right{text-align:right}
caption{text-align:left;font-size:.875rem;font-weight:600;padding-bottom:.3rem}
.note{background:var(--warnbg);color:var(--warn);border-radius:.6rem;padding:.6rem 1rem;margin-top:1rem}
footer{padding-top:2.2rem;padding-bottom:3rem;font-size:.8125rem;color:var(--soft)}
@media(max-width:60rem){.node>summary{grid-template-columns:8rem minmax(0,1fr) auto 1rem}.node .strip{grid-column:1/-1;grid-row:2}.node .tall{display:none}.two{grid-template-columns:minmax(0,1fr)}form{grid-template-columns:minmax(0,1fr) minmax(0,1fr)}form .find{grid-column:1/-1}select{max-width:none}}
@media(max-width:34rem){header{padding-top:1.5rem}.node>summary{grid-template-columns:minmax(0,1fr) auto;gap:.5rem .8rem;padding:.9rem 1rem}.node>summary::after{display:none}.node .last{grid-column:1/-1;grid-row:3}.node .last br{display:none}.node .last small{display:inline;margin-left:.5rem}.node .pill{grid-column:2;grid-row:1}.node .who{grid-column:1;grid-row:1}.more{padding:.4rem 1rem 1.4rem}.sums{gap:.6rem 1.8rem}.line{flex-direction:column}.line button{align-self:start}}
@media(prefers-reduced-motion:no-preference){.node>summary::after{transition:transform .15s}.c-,.dim,rect{transition:opacity .15s}}
@media(forced-colors:active){svg *{forced-color-adjust:none}.pill::before{background:CanvasText}}
@media print{form,.line button{display:none}}`;
