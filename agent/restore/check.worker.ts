import { serveJobs } from "../open/index.ts";
import { checkFiles } from "./check-files.ts";
import type { CheckJob } from "./jobs.ts";

serveJobs<CheckJob, number>(checkFiles);
