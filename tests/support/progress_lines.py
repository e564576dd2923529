"""The lines of --progress=json, as kubectl-wukong(1) describes them."""
import json
import pathlib

MANUAL = pathlib.Path(__file__).resolve().parents[2] / 'man/kubectl-wukong.1'

NUMBER, COUNT, TEXTS = (int, float), int, list
CODES = ('failed usage precondition not_found already_exists conflict invalid expired unreachable overloaded unauthenticated forbidden timed_out '
         'partly integrity hung_up interrupted terminated').split()
#: type -> field -> what its value may be: types, or words. Fields behind '?' may be absent.
TYPES = {
    'operation': {'title': str, '?phase': str, '?connection': str, 'rows': COUNT},
    'progress': {'name': str, 'state': ['waiting', 'running', 'done', 'failed', 'skipped'], '?stage': str, '?detail': str, '?fraction': NUMBER,
                 '?trouble': str, '?elapsedSeconds': NUMBER},
    'note': {'kind': ['note', 'warning', 'plugin', 'log'], 'message': str},
    'error': {'code': CODES, 'exitCode': COUNT, 'message': str, 'context': TEXTS, 'causes': TEXTS, '?hint': str},
    'result': {'done': COUNT, 'failed': COUNT, 'skipped': COUNT, 'elapsedSeconds': NUMBER},
}


def problem(line):
    """What is wrong with one line, or None."""
    try:
        value = json.loads(line)
    except ValueError:
        return f'not JSON: {line}'
    fields = TYPES.get(value.get('type')) if isinstance(value, dict) else None
    if fields is None:
        return f'no type of the schema: {line}'
    known = {name.lstrip('?'): allowed for name, allowed in fields.items()}
    if unknown := value.keys() - known.keys() - {'type'}:
        return f'unknown fields {sorted(unknown)}: {line}'
    if missing := {name for name in fields if not name.startswith('?')} - value.keys():
        return f'without {sorted(missing)}: {line}'
    for name, allowed in known.items():
        if name in value and not fits(value[name], allowed):
            return f'{name} is wrong: {line}'
    if 'fraction' in value and not 0 <= value['fraction'] <= 1:
        return f'fraction is wrong: {line}'
    return None


def fits(value, allowed):
    if isinstance(allowed, list):
        return value in allowed
    if isinstance(value, bool) or not isinstance(value, allowed):
        return False
    return allowed is not TEXTS or all(isinstance(text, str) for text in value)


def problems(text):
    """What is wrong with what a run wrote to stderr: its lines, and that a result is the last of its kind."""
    lines = text.splitlines()
    found = [wrong for line in lines if (wrong := problem(line))]
    if not found and sum(json.loads(line)['type'] == 'result' for line in lines) > 1:
        found.append('more than one result')
    return found


def untold():
    """The words of the schema that the manual does not have."""
    manual = MANUAL.read_text(encoding='utf-8').replace('\\-', '-')
    section = manual[manual.index('.SH PROGRESS AS JSON'):manual.index('.SH EXIT STATUS')]
    wanted = {*TYPES}
    for fields in TYPES.values():
        wanted |= {name.lstrip('?') for name in fields}
        wanted |= {word for allowed in fields.values() if isinstance(allowed, list) for word in allowed}
    told = set(section.replace('"', ' ').replace(',', ' ').replace(';', ' ').split())
    return sorted(wanted - told)
