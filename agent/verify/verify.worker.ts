import { serveJobs } from "../open/serve.ts";
import { type VerifyAnswer, type VerifyJob, verifyFrames } from "./open-job.ts";

serveJobs<VerifyJob, VerifyAnswer>(verifyFrames);
