import { serveJobs } from "../open/index.ts";
import type { PlaceAnswer, PlaceJob } from "./jobs.ts";
import { placeFiles } from "./place-files.ts";

serveJobs<PlaceJob, PlaceAnswer>(placeFiles);
