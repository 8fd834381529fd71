// hb new: a folder to begin with. Invariant: nothing that is there is written over.

import type { Command } from 'commander'
import { HbError } from '../../std/errors.ts'
import type { CommandContext } from '../context.ts'
import { jsonOption } from '../options.ts'
import { ownVersion } from '../own-version.ts'
import { readable } from '../readable.ts'

const HELP = `
The folder has the contract, its test, and what they need; it is named after the contract.
Then: npm install, npm test.

Examples:
  hb new contract counter
  hb new contract counter --dir work/counter`

const NAME = /^[a-z][a-z0-9-]{0,62}$/

export function addNew(program: Command, { terminal }: CommandContext): void {
  const begin = program.command('new').description('begin something new')
  const contract = begin
    .command('contract <name>')
    .description('make a folder with a contract and its test')
    .option('--dir <path>', 'the folder (default: ./<name>)')
    .addHelpText('after', HELP)
  jsonOption(contract).action(async (name: string, options: { dir?: string; json?: true }) => {
    if (!NAME.test(name)) {
      throw new HbError('usage', `${name}: a name has a-z, 0-9 and -, and begins with a letter`)
    }
    const dir = options.dir ?? name
    const files = await writeTemplate('contract', name, dir)
    if (options.json === true) terminal.out(JSON.stringify({ ok: true, name, dir, files }))
    else {
      for (const file of files) terminal.out(`${dir}/${file}`)
      terminal.out(`next: cd ${dir} && npm install && npm test`)
    }
  })
}

/** The names of the files. Throws `folder-not-empty`, `file-unreadable`. */
async function writeTemplate(template: string, name: string, dir: string): Promise<string[]> {
  const { mkdir, readdir, readFile, writeFile } = await import('node:fs/promises')
  const from = new URL(`../templates/${template}/`, import.meta.url)
  return readable(dir, async () => {
    await mkdir(dir, { recursive: true })
    if ((await readdir(dir)).length > 0) throw new HbError('folder-not-empty', dir)
    const written: string[] = []
    for (const file of (await readdir(from)).sort()) {
      const text = await readFile(new URL(file, from), 'utf8')
      // a packed package leaves files named .gitignore out, and changes those of npm
      const target = file.replace(/\.txt$/, '').replace(/^gitignore$/, '.gitignore')
      const filled = text.replaceAll('NAME', name).replaceAll('VERSION', `^${await ownVersion()}`)
      await writeFile(`${dir}/${target}`, filled, { flag: 'wx' })
      written.push(target)
    }
    return written
  })
}
