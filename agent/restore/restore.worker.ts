import { serveJobs } from "../open/serve.ts";
import { checkFiles } from "./check-files.ts";
import type { RestoreAnswer, RestoreJob } from "./jobs.ts";
import { placeFiles } from "./place-files.ts";
import { takeFiles } from "./take-files.ts";

serveJobs<RestoreJob, RestoreAnswer>((job) =>
  "batch" in job ? placeFiles(job) : "take" in job ? takeFiles(job) : checkFiles(job),
);
