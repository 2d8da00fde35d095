import { serveJobs } from "../open/serve.ts";
import type { RestoreAnswer, RestoreJob } from "./jobs.ts";
import { placeFiles } from "./place-files.ts";
import { takeFiles } from "./take-files.ts";

serveJobs<RestoreJob, RestoreAnswer>((job) => ("take" in job ? takeFiles(job) : placeFiles(job)));
