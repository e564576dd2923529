"""What is printed with -o: objects, and templates for them."""

VM = {
    'apiVersion': 'kubevirt.io/v1',
    'kind': 'VirtualMachine',
    'metadata': {
        'name': 'web', 'namespace': 'demo', 'uid': '5b7c', 'resourceVersion': '4711', 'generation': 3,
        'creationTimestamp': '2026-01-02T03:04:05Z',
        'labels': {'app': 'shop', 'kubernetes.io/os': 'linux', 'app.kubernetes.io/name': 'web'},
        'annotations': {'note': 'a <b> & "c"', 'lines': 'one\ntwo\n', 'umlaut': 'Größe ✓', 'empty': '', 'yes': 'yes', 'n': 'n', 'num': '12',
                        'colon': 'a: b', 'hash': '#x', 'a/b': 'slash', 'back\\slash': 'b'},
        'finalizers': ['kubevirt.io/one', 'two'],
        'managedFields': [{'manager': 'kubectl-create', 'operation': 'Update'}],
    },
    'spec': {
        'runStrategy': 'Halted',
        'empty': {}, 'none': None, 'emptyList': [],
        'numbers': {'zero': 0, 'minus': -5, 'half': 0.5, 'third': 0.3333333333333333, 'large': 123456789012, 'tiny': 0.0000025, 'huge': 1e22,
                    'whole': 3.0, 'hundred': 123456.5, 'million': 1234567.5, 'round': 1e6, 'less': 0.00012, 'lesser': 0.000012, 'most': 9223372036854775807, 'more': 18446744073709551615},
        'flags': {'on': True, 'off': False},
        'matrix': [[1, 2, 3], [4, 5, 6]],
        'mixed': [1, 'a', None, True, {'x': 1}, [2]],
        'template': {'spec': {
            'domain': {
                'cpu': {'cores': 2},
                'devices': {
                    'disks': [{'name': 'root', 'disk': {'bus': 'virtio'}, 'bootOrder': 1}, {'name': 'data', 'disk': {'bus': 'sata'}},
                              {'name': 'seed', 'cdrom': {'bus': 'sata', 'readonly': True}, 'bootOrder': 2}],
                    'interfaces': [{'name': 'default', 'masquerade': {}, 'macAddress': '02:00:00:00:00:01'}],
                },
                'memory': {'guest': '2Gi'},
            },
            'volumes': [{'name': 'root', 'dataVolume': {'name': 'web-root'}}, {'name': 'data', 'persistentVolumeClaim': {'claimName': 'web-data'}},
                        {'name': 'seed', 'cloudInitNoCloud': {'userData': '#cloud-config\nuser: me\n'}}],
        }},
    },
    'status': {
        'printableStatus': 'Stopped', 'created': False,
        'conditions': [{'type': 'Ready', 'status': 'False', 'reason': 'VMINotExists', 'message': 'VMI does not exist', 'observed': 3, 'share': 0.5},
                       {'type': 'LiveMigratable', 'status': 'True', 'observed': 2, 'share': 1.5},
                       {'type': "It's \"odd\"", 'status': 'Unknown', 'observed': 1}],
        'volumeSnapshotStatuses': [{'name': 'root', 'enabled': True}, {'name': 'data', 'enabled': True}, {'name': 'seed', 'enabled': False}],
    },
}


def small(name, **status):
    return {'apiVersion': 'kubevirt.io/v1', 'kind': 'VirtualMachine', 'metadata': {'name': name, 'namespace': 'list', 'labels': {'app': name}},
            'spec': {'disks': [{'name': f'{name}-{disk}'} for disk in status.pop('disks', [])]}, 'status': status}


#: What `kubectl get virtualmachines [NAME]` answers.
OBJECTS = {
    'web': VM,
    'list': [small('a', printableStatus='Running', disks=['one', 'two'], load=5), small('b', printableStatus='Stopped'),
             small('on', printableStatus='Running', disks=['three'], load=12)],
    'none': [],
}

#: -o jsonpath of the VM.
OF_VM = r'''
{.metadata.name}
{.kind}/{.metadata.name}
{.metadata.name}{"\n"}
name: {.metadata.name}, ns: {.metadata.namespace}
no braces .metadata.name
{}
{@}
{$}
{@.metadata.name}
{$.metadata.name}
{ .metadata.name }
{.metadata .name}
{.metadata.name .kind}
{.metadata.name}{.kind}
{.}
{..}{" "}{.kind}
{.metadata}
{.metadata.labels}
{.metadata.labels.app}
{.metadata.labels.kubernetes\.io/os}
{.metadata.labels['kubernetes\.io/os']}
{.metadata.labels['kubernetes.io/os']}
{.metadata.labels["app"]}
{.metadata['name']}
{['metadata']['name']}
{['metadata'].name}
{.metadata['name','namespace']}
{.metadata['name', 'namespace', 'nope']}
{.metadata['na me']}
{.metadata['']}
{.metadata[]}
{.metadata.annotations.note}
{.metadata.annotations}
{.metadata.annotations.lines}
{.metadata.annotations.umlaut}
{.metadata.annotations.empty}
{.metadata.annotations.a/b}
{.metadata.annotations.back\\slash}
{.metadata.finalizers}
{.metadata.finalizers[0]}
{.metadata.finalizers[-1]}
{.metadata.finalizers[-2]}
{.metadata.finalizers[-3]}
{.metadata.finalizers[2]}
{.metadata.finalizers[*]}
{.metadata.finalizers[]}
{.metadata.finalizers[0:1]}
{.metadata.finalizers[0:2]}
{.metadata.finalizers[0:3]}
{.metadata.finalizers[1:]}
{.metadata.finalizers[:1]}
{.metadata.finalizers[:]}
{.metadata.finalizers[::]}
{.metadata.finalizers[::2]}
{.metadata.finalizers[:-1]}
{.metadata.finalizers[-1:]}
{.metadata.finalizers[1:0]}
{.metadata.finalizers[1:1]}
{.metadata.finalizers[5:5]}
{.metadata.finalizers[0:2:2]}
{.metadata.finalizers[0,1]}
{.metadata.finalizers[1,0]}
{.metadata.finalizers[0, 5]}
{.metadata.finalizers[a]}
{.metadata.finalizers[-]}
{.metadata.finalizers[+1]}
{.metadata.finalizers[1:2:3:4]}
{.metadata.finalizers[0}
{.metadata.finalizers.0}
{.metadata.managedFields[0].manager}
{.metadata.name[0]}
{.metadata.name[*]}
{.metadata.name.*}
{.metadata.name.x}
{.metadata.nope}
{.metadata.nope.deeper[0]}
{.metadata.nope[*]}
{.nope}-{.kind}
{.spec.empty}
{.spec.none}
{.spec.none.x}
{.spec.none[0]}
{.spec.emptyList}
{.spec.emptyList[0]}
{.spec.emptyList[*]}
{.spec.emptyList[-1]}
{.spec.numbers}
{.spec.numbers.zero}
{.spec.numbers.minus}
{.spec.numbers.half}
{.spec.numbers.third}
{.spec.numbers.large}
{.spec.numbers.tiny}
{.spec.numbers.huge}
{.spec.numbers.whole}
{.spec.numbers.most}
{.spec.numbers.hundred} {.spec.numbers.million} {.spec.numbers.round} {.spec.numbers.less} {.spec.numbers.lesser}
{.spec.numbers.more}
{.spec.flags.on}{.spec.flags.off}
{.spec.matrix}
{.spec.matrix[0]}
{.spec.matrix[0][1]}
{.spec.matrix[*][0]}
{.spec.matrix[*][*]}
{.spec.matrix[*][1:]}
{.spec.matrix[-1][-1]}
{.spec.matrix.*}
{.spec.mixed}
{.spec.mixed[*]}
{.spec.mixed[1:3]}
{.spec.mixed[*].x}
{.spec.template.spec.domain.devices.disks[*].name}
{.spec.template.spec.domain.devices.disks[*]['name']}
{.spec.template.spec.domain.devices.disks[*]['name','bootOrder']}
{.spec.template.spec.domain.devices.disks[*].disk.bus}
{.spec.template.spec.domain.devices.disks[0:2].name}
{.spec.template.spec.domain.devices.disks[::2].name}
{.spec.template.spec.domain.devices.disks[?(@.name=="data")].disk.bus}
{.spec.template.spec.domain.devices.disks[?(@.name=='data')].disk.bus}
{.spec.template.spec.domain.devices.disks[?(@.name!="data")].name}
{.spec.template.spec.domain.devices.disks[?(@.bootOrder)].name}
{.spec.template.spec.domain.devices.disks[?(@.bootOrder==1)].name}
{.spec.template.spec.domain.devices.disks[?(@.bootOrder>1)].name}
{.spec.template.spec.domain.devices.disks[?(@.bootOrder>=1)].name}
{.spec.template.spec.domain.devices.disks[?(@.bootOrder<2)].name}
{.spec.template.spec.domain.devices.disks[?(@.bootOrder<=2)].name}
{.spec.template.spec.domain.devices.disks[?(@.bootOrder=="1")].name}
{.spec.template.spec.domain.devices.disks[?(@.bootOrder==1.0)].name}
{.spec.template.spec.domain.devices.disks[?(@.cdrom.readonly==true)].name}
{.spec.template.spec.domain.devices.disks[?(@.disk.bus>"t")].name}
{.spec.template.spec.domain.devices.disks[?( @.name == "data" )].name}
{.spec.template.spec.domain.devices.disks[?(@.nope=="data")].name}
{.spec.template.spec.domain.devices.disks[?(@.name=="data")][0].name}
{.spec.template.spec.domain.devices.disks[?(@.name[5])].name}
{.spec.template.spec.domain.devices.disks[?(@.name=="a" || @.name=="b")].name}
{.spec.template.spec.domain.devices.disks[?(@.disk==1)].name}
{.spec.template.spec.domain.devices.disks[?("data"==@.name)].name}
{.spec.template.spec.domain.devices.disks[?(@.*=="x")].name}
{.spec.template.spec.domain.devices.disks[?(@.name=="data"}
{.spec.template.spec.domain.devices.disks[?(@.name=="data")}
{.spec.template.spec.domain.devices.disks[?(@.name=="data)]}
{.spec.template.spec.domain.devices.disks[?(@.name=)].name}
{.spec.template.spec.domain.devices.disks[?()].name}
{.spec.template.spec.volumes[?(@.cloudInitNoCloud)].name}
{.spec.template.spec.volumes[?(@.name=="root")].dataVolume.name}
{.spec.template.spec.volumes[2].cloudInitNoCloud.userData}
{.spec.flags[?(@.on)]}
{.spec.none[?(@.on)]}
{.status.conditions[?(@.type=="Ready")].status}
{.status.conditions[?(@.status=="True")].type}
{.status.conditions[?(@.type=="It's \"odd\"")].status}
{.status.conditions[?(@.type=='It\'s "odd"')].status}
{.status.conditions[?(@.observed<@.share)].type}
{.status.conditions[?(@.share>1.0)].type}
{.status.conditions[?(@.share>1)].type}
{.status.conditions[?(@.share==0.5)].type}
{.status.conditions[?(@.observed>-1)].type}
{.status.conditions[?(@.status!="True")]['type','reason']}
{.status.conditions[*]['type','status']}
{.status.volumeSnapshotStatuses[?(@.enabled==false)].name}
{.status.volumeSnapshotStatuses[?(@.enabled)].name}
{.status.volumeSnapshotStatuses[?(@.enabled>false)].name}
{..cores}
{..claimName}
{.spec..guest}
{.spec.template..memory}
{.spec.template.spec.domain.devices.disks..bus}
{..conditions[0].type}
{..conditions[?(@.type=="Ready")].reason}
{...name}
{.. .name}
{..*}
{..['macAddress']}
{range .status.conditions[*]}{.type}={.status};{end}
{range .status.conditions[*]}{.type}{"\t"}{.status}{"\n"}{end}
{range .status.conditions[*]}{@.type} {end}done
{range .status.conditions[*].type}{@},{end}
{range .status.conditions}{[0].type}{end}
{range .status.conditions[?(@.observed>1)]}[{.type}]{end}
{range .spec.matrix[*]}{range @[*]}{@}.{end};{end}
{range .spec.matrix[*]}<{range [*]}({@}){end}>{end}!
{range .spec.nope[*]}{.x}{end}after
{range .spec.nope[*]}{.x}{range .y[*]}{.z}{end}{end}after
{range .spec.emptyList[*]}x{end}after
{range .metadata.finalizers[*]}{@} {end}{range .spec.matrix[0][*]}{@} {end}
{range .metadata.finalizers[*]}{@}
{range .spec.matrix[*]}{range [*]}{@}{end}
{range .metadata.name}{@}{end}
{range .metadata.labels}{.app}{end}
{range .metadata.finalizers[*]}{.}{end}
{end}
{range .metadata.finalizers[*]}{@}{end}{end}
{range}
{range}{.kind}{end}
{"quoted"}
{'single'}
{"a\tb\\c\"d"}
{'it\'s'}
{"it\'s"}
{"\u00e9\x41\101"}
{"\q"}
{"unclosed}
{'unclosed}
{"two" "texts"}
{.kind "text"}
{"text" .kind}
{5}
{-5}
{+5}
{1.5}
{1.0}
{.5}
{5.}
{1.2.3}
{-}
{12345678901234567890}
{true}
{false}
{.metadata.finalizers[*] 5}
{.kind true}
{metadata.name}
{name}
{.metadata.name
.metadata.name}
{.metadata{.name}}
{.a#b}
{#}
{*}
{.*.name}
{.metadata.*[0]}
{(.name)}
{.items[*].metadata.name}
{[0]}
{[*]}
{.spec.matrix[0][0:2]}{" "}{.spec.matrix[1][-2:]}
'''.strip('\n').split('\n')

#: -o jsonpath of a list.
OF_LIST = r'''
{.items[*].metadata.name}
{.items[0].metadata.name}
{.items[-1:].metadata.name}
{.kind}
{.apiVersion}
{.metadata}
{.items[3].metadata.name}
{.items[?(@.status.printableStatus=="Running")].metadata.name}
{.items[?(@.status.load>10)].metadata.name}
{.items[*].spec.disks[*].name}
{.items[*].spec.disks[0].name}
{..disks[*].name}
{.items[*]['metadata.name', 'status.load']}
{.items[*]['metadata.name','status.printableStatus']}
{range .items[*]}{.metadata.name}{"\t"}{.status.printableStatus}{"\n"}{end}
{range .items[*]}{.metadata.name}:{range .spec.disks[*]} {.name}{end}{"\n"}{end}
{range .items[?(@.status.printableStatus=="Running")]}{.metadata.name} {end}
{range .items[*]}{.metadata.name}{range .spec.disks[*]}{.name}{end}{.status.load};{end}
{range .items[*]}{.metadata.labels}{end}
{range .items[::2]}{.metadata.name}{end}
{range .items}{.metadata.name}{end}
'''.strip('\n').split('\n')

AS_JSON = ['{.metadata.name}', '{.spec.matrix}', '{.spec.matrix[*]}', '{.metadata.name}{.kind}', '{.nope}', '{.spec.numbers}', '{.spec.empty}',
           '{.metadata.annotations.note}', '{.spec.none}', '{.spec.mixed[*]}', '{range .metadata.finalizers[*]}{@}{end}', 'text', '{.a[}',
           '{.spec.flags.on}', '{.metadata.finalizers[9]}']

COLUMNS = ['NAME:.metadata.name', 'NAME:metadata.name', 'NAME:{.metadata.name}', 'NAME:{metadata.name}', 'NAME:.metadata.name,KIND:.kind',
           'N:.metadata.name,S:.status.printableStatus,X:.nope', 'LABELS:.metadata.labels', 'L:.metadata.labels.app,F:.metadata.finalizers',
           'F:.metadata.finalizers[*]', 'F:.metadata.finalizers[0],G:.metadata.finalizers[-1]', 'D:.spec.template.spec.domain.devices.disks[*].name',
           'READY:.status.conditions[?(@.type=="Ready")].status', 'E:.spec.empty,L:.spec.emptyList,N:.spec.none', 'M:.spec.matrix',
           'B:.spec.flags.on,C:.spec.flags.off', 'H:.spec.numbers.huge,T:.spec.numbers.tiny,W:.spec.numbers.whole,X:.spec.numbers.more',
           'X:.spec.mixed', 'NAME:..cores', 'A:.metadata.annotations.umlaut,B:.kind', 'A B:.kind', 'NAME', 'NAME:', ':.kind', 'A:.kind,', ',',
           'A:.a.{b}', 'A:{.kind}{.apiVersion}', 'A:.a[', 'A:[0]', 'A:.metadata.finalizers[7]', 'A:.metadata.name,B:.status.load,C:.spec.disks[*].name',
           'A:.spec.disks[0].name', 'A:.kind:x', 'a:.kind,a:.kind']

#: (objects, what stands behind -o, the text of the template's file)
CASES = ([('web', 'jsonpath=' + text, None) for text in OF_VM] + [('list', 'jsonpath=' + text, None) for text in OF_LIST]
         + [('none', 'jsonpath=' + text, None) for text in ('{.items}', '{.items[*].x}', '{.items[0]}', '{range .items[*]}x{end}', '{.kind}')]
         + [('web', 'jsonpath-as-json=' + text, None) for text in AS_JSON]
         + [('list', 'jsonpath-as-json=' + text, None) for text in ('{.items[*].metadata.name}', '{range .items[*]}{.metadata.name}{end}')]
         + [('web', 'custom-columns=' + text, None) for text in COLUMNS]
         + [('list', 'custom-columns=' + text, None) for text in COLUMNS[:8] + ['A:.metadata.name,B:.status.load,C:.spec.disks[*].name']]
         + [('none', 'custom-columns=NAME:.metadata.name,KIND:.kind', None)]
         + [(objects, form, None) for objects in OBJECTS for form in ('json', 'yaml', 'name')]
         + [('web', 'jsonpath-file=FILE', text) for text in ('{.metadata.name}', '{.metadata.name}\n{.kind}\n', '{.a[')]
         + [('list', 'custom-columns-file=FILE', text) for text in
            ('NAME  STATUS\n.metadata.name .status.printableStatus\n', 'NAME\n{.metadata.name}', '', 'NAME\n', 'A B\n.kind\n', 'A\tB\n .kind  kind \nmore')]
         + [('web', form, None) for form in ('jsonpath', 'jsonpath=', 'jsonpath-as-json', 'custom-columns', 'custom-columns=', 'jsonpath-file=')])


#: Tables as a server sends them: columns, of which those with a priority are only for `-o wide`, and rows.
TABLES = {
    'vms': ([('Name', 0), ('Status', 0), ('Ready', 0), ('Age', 0), ('Node', 1)],
            [['web', 'Running', 'True', '5m', 'node-1'], ['a-much-longer-name', 'Stopped', '', '12d', ''], ['x', 'ErrorUnschedulable', 'False', '1s', 'n']]),
    'narrow': ([('A', 0), ('B', 0)], [['x', 'y'], ['1', '']]),
    'one': ([('Name', 0)], [['web'], ['db']]),
    'spaces': ([('Cloned From', 0), ('Detail', 0)], [['two words', '1 bound, 1 at first start'], ['', 'x']]),
}
TABLE_CASES = [(table, words) for table in TABLES for words in ([], ['-o', 'wide'], ['--no-headers'])]


def any_order(output):
    """Whether kubectl walks the fields of an object, in no order, to make this."""
    return '..' in output or '*.' in output or '.*' in output
