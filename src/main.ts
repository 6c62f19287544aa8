/** Start-up: everything begins with a command. */
import { runCli } from './cli/index.ts';

process.exitCode = await runCli(process.argv);
