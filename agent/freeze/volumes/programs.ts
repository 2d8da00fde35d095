import { accessSync, constants } from "node:fs";
import { makeTool, type Tool } from "../../node/index.ts";

/** Where systems keep what changes volumes: a caller's PATH may lack them, or lead elsewhere. */
const FOLDERS = ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin"];

/** The full path of a program of the system; null where it is not installed. */
export function findProgram(name: string): string | null {
  for (const folder of FOLDERS) {
    const path = `${folder}/${name}`;
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Perhaps in the next one.
    }
  }
  return null;
}

/** A program of the system by its full path; one that is missing says so when it is run. */
export function systemTool(name: string): Tool {
  return makeTool([findProgram(name) ?? `/usr/sbin/${name}`]);
}
