// Runs MicroPython. It blocks this thread as a program blocks its board, so what the stand-ins of the board's modules ask of the
// outside is done by the main thread, while this one waits.
import { readFileSync } from 'node:fs'
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'

const { micropython, modules, program, answered, answers } = workerData
const flag = new Int32Array(answered)

function call(request) {
  parentPort.postMessage({ request: JSON.parse(request) }, [])
  Atomics.wait(flag, 0, 0)
  Atomics.store(flag, 0, 0)
  return JSON.stringify(receiveMessageOnPort(answers).message)
}

const { loadMicroPython } = await import(micropython)
const python = await loadMicroPython({
  linebuffer: true,
  stdout: (line) => parentPort.postMessage({ line }, []),
})
python.registerJsModule('outside', { call })
python.FS.mkdir('/umqtt')
for (const [path, file] of modules) python.FS.writeFile(path, readFileSync(file))
python.runPython(program)
