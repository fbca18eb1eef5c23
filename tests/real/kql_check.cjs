// Reads {name: query} as JSON, and writes {name: [what Kusto's own language service finds wrong]}.
const service = process.argv[2];
require(service + "/bridge.min.js");
require(service + "/Kusto.Language.Bridge.min.js");
const { KustoCode, GlobalState } = globalThis.Kusto.Language;
const queries = JSON.parse(require("fs").readFileSync(0, "utf8"));
const found = {};
for (const [name, text] of Object.entries(queries)) {
  const said = KustoCode.ParseAndAnalyze(text, GlobalState.Default).GetDiagnostics();
  found[name] = [];
  for (let i = 0; i < said.Count; i++) {
    const one = said.getItem(i);
    found[name].push(`${one.Severity} ${one.Code}: ${one.Message} at ${text.substr(one.Start, 60)}`);
  }
}
console.log(JSON.stringify(found));
