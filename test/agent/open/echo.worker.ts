import { serveJobs } from "../../../agent/open/index.ts";
import { ColdkeepError } from "../../../vault/names/index.ts";

serveJobs<string, string>((job) => {
  if (job === "refuse")
    throw new ColdkeepError("no-space", { what: "no", on: "x", why: "y", todo: "z", retryable: true });
  if (job === "defect") throw new TypeError("a defect");
  if (job === "die") process.exit(3);
  return `${job}!`;
});
