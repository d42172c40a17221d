// A process of its own that runs one hog and stays connected until its input ends.
import { HOGS, type HogJob, type HogReport } from './hog-kinds.ts'

const job: HogJob = JSON.parse(process.argv[2] ?? '')
const report: HogReport = { done: 0, refused: 0, ended: 0, broken: 0 }
process.stdin.on('close', () => process.exit(0)).resume()
await HOGS[job.hog](job, report)
process.stdout.write(`${JSON.stringify(report)}\n`)
