// Lint rules: the typed rules of typescript-eslint, and the bans that keep replay exact: no clock,
// randomness or environment outside the rooms that own them, no module-level mutable state, no
// import-time promise left alone. test/guards/eslint.test.ts runs all of it and shows that planted
// violations are caught.

import { defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'

const CLOCK_WAY =
  'Take a Clock (src/std/clock.ts): whoever is handed one can be tested and replayed.'
const RANDOM_WAY =
  'Take a seeded Random (src/std/random.ts); keys are made in src/client/wallet.ts only.'
const STATE_WAY =
  'No module-level mutable state: make it inside a function and hand it to who needs it.'

const CLOCK_GLOBALS = [
  'Date',
  'performance',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'clearTimeout',
  'clearInterval',
  'clearImmediate',
].map((name) => ({ name, message: CLOCK_WAY }))

const CLOCK_MODULES = [
  'node:timers',
  'node:timers/promises',
  'node:perf_hooks',
  'timers',
  'perf_hooks',
].map((name) => ({ name, message: CLOCK_WAY }))

const ENVIRONMENT_MODULES = ['node:process', 'process'].map((name) => ({
  name,
  message: 'The environment is read in src/cli and src/node only: take a parameter.',
}))

const RANDOM_NAMES = [
  'randomBytes',
  'randomFill',
  'randomFillSync',
  'randomInt',
  'randomUUID',
  'webcrypto',
]
const RANDOM_MODULES = [
  { name: 'node:crypto', importNames: RANDOM_NAMES, message: RANDOM_WAY },
  { name: 'crypto', message: 'Say node:crypto.' },
]

const AMBIENT_PROPERTIES = [
  { object: 'Math', property: 'random', message: RANDOM_WAY },
  { object: 'crypto', property: 'getRandomValues', message: RANDOM_WAY },
  { object: 'crypto', property: 'randomUUID', message: RANDOM_WAY },
  {
    object: 'process',
    property: 'env',
    message: 'Read in src/cli and src/node only: take a parameter.',
  },
  { object: 'process', property: 'hrtime', message: CLOCK_WAY },
  { object: 'process', property: 'uptime', message: CLOCK_WAY },
  {
    object: 'process',
    property: 'exit',
    message: 'Only src/cli ends the program: throw an HbError.',
  },
  { object: 'globalThis', property: 'Date', message: CLOCK_WAY },
  { object: 'globalThis', property: 'setTimeout', message: CLOCK_WAY },
  { object: 'globalThis', property: 'process', message: 'Say process, so that the rules see it.' },
]

const EMPTY_COLLECTION =
  'NewExpression[callee.name=/^(Map|Set|WeakMap|WeakSet|Array)$/][arguments.length=0]'
const EMPTY_ARRAY = 'ArrayExpression[elements.length=0]'
// What is typed as readonly cannot be filled: an empty constant, not state.
const FILLABLE =
  ':not([id.typeAnnotation.typeAnnotation.operator="readonly"])' +
  ':not([id.typeAnnotation.typeAnnotation.typeName.name=/^Readonly/])'
const DECLARATOR = `VariableDeclaration > VariableDeclarator${FILLABLE}`
const topLevel = (what) => [
  { selector: `Program > ${what}`, message: STATE_WAY },
  { selector: `Program > ExportNamedDeclaration > ${what}`, message: STATE_WAY },
]
const MODULE_STATE = [
  ...topLevel("VariableDeclaration[kind='let']"),
  ...topLevel("VariableDeclaration[kind='var']"),
  ...topLevel(`${DECLARATOR} > ${EMPTY_COLLECTION}`),
  ...topLevel(`${DECLARATOR} > ${EMPTY_ARRAY}`),
]

// What the sandbox does not have; Date and Math.random it does have, as functions of the entry.
const NOT_IN_SANDBOX = [
  'process',
  'Buffer',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'performance',
  'fetch',
  'crypto',
  'Intl',
  'TextEncoder',
  'TextDecoder',
  'URL',
  'structuredClone',
  'console',
  'WebAssembly',
  'queueMicrotask',
].map((name) => ({ name, message: 'A contract runs in the sandbox, which has no such thing.' }))

const TYPED = {
  '@typescript-eslint/await-thenable': 'error',
  '@typescript-eslint/consistent-type-exports': 'error',
  '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
  '@typescript-eslint/no-floating-promises': 'error',
  '@typescript-eslint/no-misused-promises': 'error',
  '@typescript-eslint/no-unnecessary-type-assertion': 'error',
  '@typescript-eslint/no-unused-vars': [
    'error',
    { argsIgnorePattern: '^_', varsIgnorePattern: '^_' },
  ],
  // What was caught may be passed on as it is.
  '@typescript-eslint/only-throw-error': ['error', { allowThrowingUnknown: true }],
  '@typescript-eslint/prefer-promise-reject-errors': ['error', { allowThrowingUnknown: true }],
  '@typescript-eslint/require-await': 'off',
  '@typescript-eslint/restrict-template-expressions': [
    'error',
    { allowNumber: true, allowBoolean: true },
  ],
  '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
  '@typescript-eslint/switch-exhaustiveness-check': [
    'error',
    { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: false },
  ],
  eqeqeq: 'error',
  'no-console': 'error',
  'no-constant-binary-expression': 'error',
  'no-eval': 'error',
  'no-var': 'error',
  'prefer-const': 'error',
}

const UNSAFE_OFF = Object.fromEntries(
  ['argument', 'assignment', 'call', 'member-access', 'return'].map((name) => [
    `@typescript-eslint/no-unsafe-${name}`,
    'off',
  ]),
)

const AMBIENT = {
  'no-restricted-globals': ['error', ...CLOCK_GLOBALS],
  'no-restricted-properties': ['error', ...AMBIENT_PROPERTIES],
  'no-restricted-imports': [
    'error',
    { paths: [...CLOCK_MODULES, ...ENVIRONMENT_MODULES, ...RANDOM_MODULES] },
  ],
}
const AMBIENT_OFF = {
  'no-restricted-globals': 'off',
  'no-restricted-properties': 'off',
  'no-restricted-imports': 'off',
}

export default defineConfig(
  {
    ignores: [
      'dist/',
      'coverage/',
      '**/node_modules/',
      'bench/results/',
      'test/guards/planted/',
      // in the shapes in which SmartWeave contracts were published
      'test/differential/contracts/',
    ],
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname },
    },
    rules: TYPED,
  },
  {
    files: ['src/**/*.ts'],
    rules: { ...AMBIENT, 'no-restricted-syntax': ['error', ...MODULE_STATE] },
  },
  {
    // Yielding to I/O reads no clock, and only these rooms do I/O of their own.
    files: ['src/log/pump.ts', 'src/log/*/**/*.ts', 'src/store/*/**/*.ts', 'src/archive/*/**/*.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...CLOCK_GLOBALS.filter(({ name }) => !/Immediate$/.test(name)),
      ],
    },
  },
  {
    // The program of one thread, which nothing imports: its state is that thread's.
    files: ['src/**/worker.ts', 'src/**/*-worker.ts'],
    rules: { 'no-restricted-syntax': 'off' },
  },
  { files: ['src/std/clock.ts', 'src/std/random.ts', 'src/node/**/*.ts'], rules: AMBIENT_OFF },
  { files: ['src/cli/**/*.ts'], rules: { ...AMBIENT_OFF, 'no-console': 'off' } },
  {
    // Keys need the machine's randomness; nothing else here is let off.
    files: ['src/client/wallet.ts'],
    rules: {
      'no-restricted-imports': ['error', { paths: [...CLOCK_MODULES, ...ENVIRONMENT_MODULES] }],
    },
  },
  {
    files: ['contracts/**/*.ts', 'src/lib/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', ...NOT_IN_SANDBOX],
      'no-restricted-syntax': ['error', ...MODULE_STATE],
    },
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts', 'scripts/**/*.ts', 'contracts/**/*.test.ts'],
    rules: {
      ...AMBIENT_OFF,
      ...UNSAFE_OFF,
      // Tests throw and evaluate what must not be thrown and evaluated.
      '@typescript-eslint/no-base-to-string': 'off',
      '@typescript-eslint/no-implied-eval': 'off',
      '@typescript-eslint/no-unnecessary-type-assertion': 'off',
      '@typescript-eslint/only-throw-error': 'off',
      '@typescript-eslint/unbound-method': 'off',
      'no-console': 'off',
      'no-restricted-syntax': 'off',
    },
  },
  {
    // Node's runner takes care of the promise of a test; the contracts of an example are contracts.
    files: ['examples/**/*.ts'],
    rules: {
      '@typescript-eslint/no-floating-promises': [
        'error',
        { allowForKnownSafeCalls: [{ from: 'package', package: 'node:test', name: 'test' }] },
      ],
    },
  },
  {
    // programs, which print
    files: ['examples/*/*.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['examples/*/contracts/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', ...NOT_IN_SANDBOX],
      'no-restricted-syntax': ['error', ...MODULE_STATE],
    },
  },
  {
    files: ['**/*.{js,mjs,cjs}'],
    rules: {
      eqeqeq: 'error',
      'no-unused-vars': 'error',
      'no-var': 'error',
      'prefer-const': 'error',
    },
  },
)
