"""Rows of anything that holds programs: files of many formats, folders, data sets of the Hub, standard input.

Every row is a JSON object, whatever it was read from. Memory does not grow with the input.
"""

from lintseq.rows.fields import FieldNames as FieldNames, Fields as Fields, find_fields as find_fields
from lintseq.rows.ids import content_id as content_id, stable_hash as stable_hash
from lintseq.rows.input import START as START, Input as Input, Mark as Mark, RawRow as RawRow
from lintseq.rows.inputs import (
    find_inputs as find_inputs,
    open_input as open_input,
    open_inputs as open_inputs,
    read_rows as read_rows,
)
from lintseq.rows.prompts import prompt_of as prompt_of
from lintseq.rows.row import (
    MAX_ROW_BYTES as MAX_ROW_BYTES,
    column_list as column_list,
    encode_line as encode_line,
    encode_row as encode_row,
    json_type as json_type,
    parse_row as parse_row,
)
