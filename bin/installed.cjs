// Says by its exit code whether node_modules holds what package-lock.json asks for. Plain old JavaScript: any Node runs it.
'use strict'
const fs = require('fs')
const path = require('path')

const root = process.argv[2] || path.join(__dirname, '..')
const read = file => JSON.parse(fs.readFileSync(path.join(root, file), 'utf8')).packages

/** npm leaves out an optional package that is for another system; the fields hold a word or a list, `!word` for all but it. */
const fits = (given, mine) => {
  const list = given === undefined ? [] : [].concat(given)
  return !list.includes('!' + mine) && (list.every(word => word[0] === '!') || list.includes(mine))
}
const forUs = entry => fits(entry.os, process.platform) && fits(entry.cpu, process.arch) && fits(entry.libc, 'glibc')

try {
  const wanted = read('package-lock.json')
  const there = read('node_modules/.package-lock.json')
  const wrong = Object.keys(wanted).filter(name => {
    const entry = wanted[name]
    const got = there[name]
    // An optional package may be missing when it is for another system, or only needed by one that is.
    if (!name.startsWith('node_modules/') || (entry.optional && !got && (!entry.os || !forUs(entry)))) return false
    return !got || got.version !== entry.version || got.integrity !== entry.integrity
  })
  const broken = Object.keys(there).some(name => !fs.existsSync(path.join(root, name, 'package.json')))
  process.exit(wrong.length === 0 && !broken ? 0 : 1)
} catch {
  process.exit(1)
}
