"""The format that both programs speak: errors, model, layout, reader.

The reader owns the format. Installers that were shipped cannot be changed, so
they define what is readable; the builder writes what this package reads.
"""
