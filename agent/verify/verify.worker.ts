import { serveJobs } from "../open/serve.ts";
import { type BadFrame, type VerifyJob, verifyFrames } from "./open-job.ts";

serveJobs<VerifyJob, readonly BadFrame[]>(verifyFrames);
