from flask import Flask, jsonify, request

app = Flask(__name__)
notes = []


@app.route("/notes", methods=["GET"])
def list_notes():
    return jsonify(notes)


@app.route("/notes", methods=["POST"])
def add_note():
    note = request.get_json()
    notes.append(note)
    return jsonify(note), 201


if __name__ == "__main__":
    app.run(debug=True)
