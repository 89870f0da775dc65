/** Where SNS is in a region; the domain is that of China for its regions. */
export function snsHost(region: string): string {
  return `sns.${region}.${domainOf(region)}`
}

/** The names by which certificates of SNS go that sign messages of a region. */
export function signerNames(region: string): readonly string[] {
  const domain = domainOf(region)
  const shared = region.startsWith('us-gov-') ? 'sns-us-gov-west-1.amazonaws.com' : 'sns.amazonaws.com'
  return [shared, snsHost(region), `sns-signing.${region}.${domain}`, `sns-${region}.${domain}`]
}

/** The region of a topic; empty if it is no ARN of one in a region that has such hosts. */
export function regionOf(topicArn: string): string {
  return /^arn:aws(?:-cn|-us-gov)?:sns:([a-z]{2}(?:-[a-z]+)+-\d+):/.exec(topicArn)?.[1] ?? ''
}

/** Is it where SNS keeps certificates of this region? */
export function isCertificateUrl(text: string, region: string): boolean {
  const url = URL.parse(text)
  return url !== null && url.origin === `https://${snsHost(region)}` && url.username === '' && url.password === '' && isCertificatePath(url)
}

function isCertificatePath({ pathname, search, hash }: URL): boolean {
  return /^\/SimpleNotificationService-[0-9A-Za-z]{1,64}\.pem$/.test(pathname) && search === '' && hash === ''
}

function domainOf(region: string): string {
  return region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
}
