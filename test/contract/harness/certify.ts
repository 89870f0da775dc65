import { describeDriverContract, type ContractOptions } from '@busbar/contract-tests'
import { afterAll } from 'vitest'
import { checkCertificate } from '../matrix/certificates.ts'
import { vitestRunner } from './vitest-runner.ts'

/** Runs the whole suite on a driver and compares the result with the certificate that is kept. */
export function certify(options: Omit<ContractOptions, 'runner' | 'cases'>): void {
  const runner = vitestRunner(options.harness.forCase === undefined ? 'serial' : 'concurrent')
  const certificate = describeDriverContract({ ...options, runner })
  afterAll(() => checkCertificate(certificate))
}
