using static TorchSharp.torch;

namespace Pipeline.Stages.Models.Safetensors;

/// <summary>The element types of safetensors files that this program reads and writes, and their names in the format.</summary>
internal static class TensorType
{
    private static readonly (string Name, ScalarType Type, int Bytes)[] Table =
    [
        ("BOOL", ScalarType.Bool, 1),
        ("U8", ScalarType.Byte, 1),
        ("I8", ScalarType.Int8, 1),
        ("I16", ScalarType.Int16, 2),
        ("I32", ScalarType.Int32, 4),
        ("I64", ScalarType.Int64, 8),
        ("F16", ScalarType.Float16, 2),
        ("BF16", ScalarType.BFloat16, 2),
        ("F32", ScalarType.Float32, 4),
        ("F64", ScalarType.Float64, 8),
    ];

    /// <summary>The names of all these types, for messages.</summary>
    public static string Known => string.Join(", ", Table.Select(row => row.Name));

    /// <summary>Whether the values of a type are weights only together with scales.</summary>
    public static bool IsQuantized(string name) => name.StartsWith("F8", StringComparison.Ordinal) || name.StartsWith("F4", StringComparison.Ordinal) || name.StartsWith("F6", StringComparison.Ordinal);

    /// <summary>Finds a type by its name in the format.</summary>
    /// <param name="name">The name.</param>
    /// <param name="type">The type.</param>
    /// <param name="bytes">The size of a value.</param>
    public static bool TryParse(string name, out ScalarType type, out int bytes)
    {
        foreach ((string row, ScalarType rowType, int rowBytes) in Table)
        {
            if (row == name)
            {
                (type, bytes) = (rowType, rowBytes);
                return true;
            }
        }

        (type, bytes) = (default, 0);
        return false;
    }

    public static string Name(ScalarType type) => Row(type).Name;

    /// <summary>The size of a value of this type in bytes.</summary>
    public static int Bytes(ScalarType type) => Row(type).Bytes;

    private static (string Name, ScalarType Type, int Bytes) Row(ScalarType type)
    {
        foreach ((string Name, ScalarType Type, int Bytes) row in Table)
        {
            if (row.Type == type)
                return row;
        }

        throw new ArgumentException($"safetensors files cannot hold tensors of type {type}; known: {Known}", nameof(type));
    }
}
