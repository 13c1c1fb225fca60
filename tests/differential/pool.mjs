// The values that random policies and requests use: callers, actions, and condition keys with matching values.
// Some are listed twice, to be chosen more often.

export const own = '410000000001'
const databricks = '414351767826'
const segment = '595280932656'
const stranger = '520000000002'
const provider = 'token.actions.githubusercontent.com'

/** A caller: how a request names it, the entries of a policy that lie near it, and the keys it brings along. */
function member(partition, account, kind, path, name, session) {
  const arn = `arn:${partition}:iam::${account}:${kind}${name ? `/${path}${name}` : ''}`
  const asSession = `arn:${partition}:sts::${account}:assumed-role/${name}/${session}`
  const entries = [
    ['AWS', arn],
    ['AWS', arn],
    ['AWS', `arn:${partition}:iam::${account}:root`],
    ['AWS', account],
    ['AWS', '*'],
  ]
  if (session) entries.push(['AWS', asSession])
  return {
    principal: session ? asSession : arn,
    entries,
    keys: {
      'aws:PrincipalArn': arn,
      'aws:PrincipalAccount': account,
      ...(kind === 'user' && { 'aws:username': name }),
    },
  }
}

export const callers = [
  member('aws', own, 'role', 'data/', 'Unity'),
  member('aws', own, 'role', 'data/', 'Unity', 'sync-7'),
  member('aws', own, 'role', '', 'Writer', 'nightly'),
  member('aws', own, 'user', '', 'Anna'),
  member('aws', own, 'root', '', ''),
  member('aws', databricks, 'role', '', 'unity-catalog-prod', 'uc'),
  member('aws', databricks, 'role', '', 'unity-catalog-prod'),
  member('aws', segment, 'role', '', 'segment-databricks', 'load-1'),
  member('aws', segment, 'role', '', 'segment-other', 'load-1'),
  member('aws', stranger, 'role', 'a/b/', 'Guest', 'nightly'),
  member('aws', stranger, 'user', 'team/', 'Bo'),
  member('aws-us-gov', own, 'role', 'data/', 'Unity', 'sync-7'),
  member('aws-us-gov', stranger, 'user', '', 'Cy'),
  ...['ec2.amazonaws.com', 'lambda.amazonaws.com', 'firehose.amazonaws.com'].map((service) => ({
    principal: { service },
    entries: [['Service', service]],
    keys: {
      'aws:SourceAccount': own,
      'aws:SourceArn': `arn:aws:firehose:eu-west-1:${own}:deliverystream/a`,
    },
  })),
  ...[`arn:aws:iam::${own}:oidc-provider/${provider}`, 'accounts.google.com'].map((federated) => ({
    principal: { federated },
    entries: [['Federated', federated]],
    keys: {
      [`${provider}:sub`]: 'repo:acme/lake:ref:refs/heads/main',
      [`${provider}:aud`]: 'sts.amazonaws.com',
    },
  })),
]

// What IAM shows for a role or user that is gone; it is no live caller's.
export const gone = [
  ['AWS', 'AROAEXAMPLEGONE0000001'],
  ['AWS', 'AIDAEXAMPLEGONE0000002'],
]

export const requestActions = [
  ...Array(8).fill('sts:AssumeRole'),
  'sts:TagSession',
  'sts:SetSourceIdentity',
  'sts:AssumeRoleWithWebIdentity',
]
export const actions = [
  ...Array(6).fill('sts:AssumeRole'),
  'STS:ASSUMEROLE',
  'sts:assumerole',
  'sts:Assume*',
  'sts:AssumeRol?',
  'sts:?ssumeRole*',
  'sts:*',
  'Sts:TagSession',
  'sts:Set*',
  'sts:AssumeRoleWith*',
]
export const notActions = [
  ['sts:TagSession'],
  ['sts:Tag*', 'sts:set*'],
  ['sts:AssumeRoleWith*'],
  ['STS:AssumeRole'],
]

const arns = callers.map((caller) => caller.keys['aws:PrincipalArn']).filter(Boolean)
export const words = ['blue', 'Blue', 'green', 'b*', 'sync-7', 'nightly', 'Anna']

/** Condition keys: their spellings (the first is AWS's), how they are compared, and the values they meet. */
export const keys = [
  key(
    'text',
    ['sts:ExternalId', 'sts:ExternalID', 'sts:externalid', 'STS:EXTERNALID'],
    ['7f3a-dbx', '7F3A-DBX', 'ws_41', 'ws_42', 'a+b=c'],
    5,
  ),
  key(
    'text',
    ['sts:RoleSessionName', 'STS:rolesessionname'],
    ['sync-7', 'nightly', 'Anna', 'blue-1'],
    2,
  ),
  key(
    'text',
    ['aws:PrincipalAccount', 'AWS:principalaccount'],
    [own, databricks, segment, stranger],
    2,
  ),
  key('text', ['aws:PrincipalOrgID', 'aws:PrincipalOrgId'], ['o-acme000001', 'o-other00002'], 2),
  key('text', ['aws:PrincipalTag/Team', 'aws:principaltag/team'], words, 2),
  key('text', ['aws:RequestTag/Team', 'aws:requesttag/Team'], words, 2),
  key('text', ['aws:username'], ['Anna', 'Bo', 'anna'], 1),
  key('text', ['aws:SourceAccount'], [own, stranger], 1),
  key(
    'text',
    [`${provider}:sub`],
    ['repo:acme/lake:ref:refs/heads/main', 'repo:acme/lake:pull_request'],
    1,
  ),
  key('arn', ['aws:PrincipalArn', 'AWS:PrincipalARN'], arns, 4),
  key(
    'arn',
    ['aws:SourceArn'],
    [`arn:aws:firehose:eu-west-1:${own}:deliverystream/a`, `arn:aws:s3:::lake`],
    1,
  ),
  key(
    'address',
    ['aws:SourceIp', 'aws:sourceIP'],
    [
      '203.0.113.7',
      '203.0.113.200',
      '198.51.100.1',
      '0.0.0.0',
      '2001:db8::7',
      '2001:0DB8:0:0:0:0:0:7',
    ],
    3,
  ),
  key(
    'truth',
    ['aws:MultiFactorAuthPresent', 'aws:multifactorauthpresent'],
    ['true', 'false', 'True'],
    2,
  ),
  key('truth', ['aws:SecureTransport'], ['true', 'false'], 1),
  key(
    'time',
    ['aws:CurrentTime', 'aws:currenttime'],
    [
      '2026-03-01T00:00:00Z',
      '2026-06-01T12:30:00Z',
      '2026-06-01T14:30:00+02:00',
      '2026-09-01',
      '1780317000',
    ],
    2,
  ),
  key(
    'time',
    ['aws:EpochTime'],
    ['1772323200', '1780317000', '1788220800', '2026-06-01T12:30:00Z'],
    1,
  ),
  key(
    'number',
    ['sts:DurationSeconds', 'sts:durationseconds'],
    ['900', '3600', '3600.0', '43200'],
    2,
  ),
  key('number', ['aws:MultiFactorAuthAge'], ['60', '3600'], 1),
  key('list', ['aws:TagKeys', 'aws:tagkeys'], ['Team', 'team', 'Cost', 'Stage'], 3),
  key('list', ['sts:TransitiveTagKeys'], ['Team', 'Cost'], 1),
]

function key(kind, spellings, values, weight) {
  return { kind, spellings, values, weight }
}

const negatable = (stem) => [stem, stem, stem.replace(/^(String|Arn|Numeric|Date)/, '$1Not')]
const ordered = (stem) =>
  ['LessThan', 'LessThanEquals', 'GreaterThan', 'GreaterThanEquals'].map((end) => stem + end)
const texts = [
  'StringEquals',
  'StringEquals',
  'StringLike',
  'StringLike',
  'StringEqualsIgnoreCase',
].flatMap(negatable)
export const operators = {
  text: texts,
  list: texts,
  arn: [
    ...['ArnEquals', 'ArnLike', 'ArnLike'].flatMap(negatable),
    'StringEquals',
    'StringLike',
    'StringNotLike',
  ],
  address: ['IpAddress', 'IpAddress', 'NotIpAddress'],
  truth: ['Bool'],
  time: [...negatable('DateEquals'), ...ordered('Date')],
  number: [...negatable('NumericEquals'), ...ordered('Numeric')],
}

export const ranges = [
  '203.0.113.0/24',
  '203.0.113.128/25',
  '0.0.0.0/0',
  '198.51.100.1/32',
  '2001:db8::/32',
  '::/0',
]
export const variables = [
  '${aws:PrincipalTag/Team}',
  '${AWS:principaltag/team}',
  '${aws:username}',
  "${aws:PrincipalTag/Team, 'blue'}",
  '${sts:RoleSessionName}',
  '${aws:PrincipalTag/Team}-1',
  'b${*}',
]
