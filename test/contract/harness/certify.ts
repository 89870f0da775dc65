import { describeDriverContract, type Certificate, type ContractOptions } from '@busbar/contract-tests'
import { afterAll } from 'vitest'
import { checkCertificate } from '../matrix/certificates.ts'
import { vitestRunner } from './vitest-runner.ts'

export interface CertifyOptions extends Omit<ContractOptions, 'runner'> {
  /** At the same time as the other suites of the file that say so. The harness must have `forCase`. Default false. */
  readonly alongside?: boolean
}

/** Runs cases of the suite on a driver, whatever certificate is kept of it. */
export function examine({ alongside = false, ...options }: CertifyOptions): Certificate {
  const runner = vitestRunner(options.harness.forCase === undefined ? 'serial' : alongside ? 'alongside' : 'concurrent')
  return describeDriverContract({ ...options, runner })
}

/** Runs the suite on a driver, all of it unless the options name cases, and compares the result with the certificate that is kept. */
export function certify({ alongside = false, ...options }: CertifyOptions): void {
  const certificate = examine({ alongside, ...options })
  afterAll(async () => {
    // Not skips, which somebody could mend by starting a broker: a delay of 310 days cannot be waited for. The certificate and the page list every one.
    const unexamined = certificate.results.filter(({ outcome }) => outcome === 'not-examined').length
    if (unexamined > 0) console.log(`${certificate.name}: ${unexamined} cases not examined, listed in docs/reference/capabilities.md`)
    await checkCertificate(certificate)
  })
}
