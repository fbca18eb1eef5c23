// A client of OpenTelemetry's JavaScript SDK, the family Claude Code uses: OTLP as JSON over HTTP. Prints its own sums.
import { createRequire } from "node:module";
const require = createRequire(process.env.OTEL_MODULES + "/");
const { MeterProvider, PeriodicExportingMetricReader, AggregationTemporality } = require("@opentelemetry/sdk-metrics");
const { OTLPMetricExporter } = require("@opentelemetry/exporter-metrics-otlp-http");
const { LoggerProvider, BatchLogRecordProcessor } = require("@opentelemetry/sdk-logs");
const { OTLPLogExporter } = require("@opentelemetry/exporter-logs-otlp-http");
const { resourceFromAttributes } = require("@opentelemetry/resources");

const [endpoint, session, temporality, token] = process.argv.slice(2);
const SECRET = "PLANTED-PHRASE: what was said to the model";
const headers = token ? { authorization: `Bearer ${token}` } : {};
const resource = resourceFromAttributes({
  "service.name": "claude-code", "service.version": "2.1.330", cost_center: "CC-100", "team.id": "platform", notes: SECRET,
});
const reader = new PeriodicExportingMetricReader({
  exporter: new OTLPMetricExporter({
    url: `${endpoint}/v1/metrics`, headers, compression: "gzip",
    temporalityPreference: temporality === "delta" ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE,
  }),
  exportIntervalMillis: 3600000, exportTimeoutMillis: 10000,
});
const meters = new MeterProvider({ resource, readers: [reader] });
const events = new LoggerProvider({
  resource,
  processors: [new BatchLogRecordProcessor({ exporter: new OTLPLogExporter({ url: `${endpoint}/v1/logs`, headers }) })],
});
const meter = meters.getMeter("com.anthropic.claude_code", "2.1.330");
const logger = events.getLogger("com.anthropic.claude_code.events");
const cost = meter.createCounter("claude_code.cost.usage", { unit: "USD" });
const tokens = meter.createCounter("claude_code.token.usage", { unit: "tokens" });
const commits = meter.createCounter("claude_code.commit.count");
const who = { "session.id": session, "user.id": "1".repeat(64), "user.email": "ada@example.com",
  "user.account_id": "user_01ExampleExampleExampleEx" };
const told = { cost_micros: 0, input_tokens: 0, output_tokens: 0, commits: 0, requests: 0 };
for (let round = 0; round < 3; round++) {
  const counted = { cost_micros: 125000 + 7 * round, input_tokens: 1000 + round, output_tokens: 10 * round + 1 };
  const model = { ...who, model: "claude-sonnet-5" };
  cost.add(counted.cost_micros / 1e6, model);
  tokens.add(counted.input_tokens, { ...model, type: "input" });
  tokens.add(counted.output_tokens, { ...model, type: "output" });
  commits.add(1, who);
  logger.emit({
    body: "claude_code.api_request", timestamp: Date.now(),
    attributes: { ...who, "event.name": "api_request", "event.sequence": round, model: "claude-sonnet-5",
      request_id: `req_${session}_${process.pid}_${round}`, cost_usd_micros: counted.cost_micros,
      input_tokens: counted.input_tokens, output_tokens: counted.output_tokens, prompt: SECRET },
  });
  for (const name of Object.keys(counted)) told[name] += counted[name];
  told.commits += 1; told.requests += 1;
  await meters.forceFlush(); await events.forceFlush();
}
await meters.shutdown(); await events.shutdown();
console.log(JSON.stringify(told));
