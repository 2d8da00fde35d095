import { Logger } from "@aws-lambda-powertools/logger";
import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import { isColdkeepError } from "../../vault/names/index.ts";
import { METRIC_NAMESPACE } from "./contract.ts";

/** What a function says of its work: lines of JSON, and figures that CloudWatch makes metrics of (EMF). */
export interface Teller {
  info(message: string, details: Readonly<Record<string, unknown>>): void;
  warn(message: string, details: Readonly<Record<string, unknown>>): void;
  /** An error with its parts, never its cause's stack alone. */
  error(message: string, error: unknown, details?: Readonly<Record<string, unknown>>): void;
  count(metric: string, value: number): void;
  /** Writes the figures of this call; afterwards they are zero. */
  flush(): void;
}

/** @param service the function's name, a dimension of all its figures. */
export function makeTeller(service: string): Teller {
  const logger = new Logger({ serviceName: service });
  const metrics = new Metrics({ namespace: METRIC_NAMESPACE, serviceName: service });
  return {
    info: (message, details) => logger.info(message, details),
    warn: (message, details) => logger.warn(message, details),
    error: (message, error, details = {}) => logger.error(message, { ...details, ...partsOf(error) }),
    count: (metric, value) => metrics.addMetric(metric, MetricUnit.Count, value),
    flush: () => metrics.publishStoredMetrics(),
  };
}

function partsOf(error: unknown): Record<string, unknown> {
  if (isColdkeepError(error)) {
    const { kind, what, on, why, todo } = error;
    return { kind, what, on, why, todo };
  }
  return { error: error instanceof Error ? error : String(error) };
}

/** Does what nothing hangs on: that it failed is told, and no more. */
export async function tryTo(what: string, tell: Teller, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    tell.error(`could not ${what}`, error);
  }
}
