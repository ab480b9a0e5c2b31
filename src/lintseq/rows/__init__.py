"""Rows of anything that holds programs: files of many formats, folders, data sets of the Hub, standard input.

Every row is a JSON object, for all formats. Memory does not grow with the input.
"""

from lintseq.rows.fields import FieldNames, Fields, find_fields
from lintseq.rows.ids import content_id, stable_hash
from lintseq.rows.input import START, Input, Mark, RawRow
from lintseq.rows.inputs import find_inputs, open_input, open_inputs, read_rows
from lintseq.rows.prompts import prompt_of
from lintseq.rows.row import MAX_ROW_BYTES, column_list, encode_line, encode_row, json_type, parse_row
