def unzoned(data):
    import pyarrow as pa
    fields = [pa.field(f.name, pa.timestamp("us") if pa.types.is_timestamp(f.type) else f.type) for f in data.schema]
    return data.cast(pa.schema(fields))
