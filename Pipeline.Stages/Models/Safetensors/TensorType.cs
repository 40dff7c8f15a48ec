using static TorchSharp.torch;

namespace Pipeline.Stages.Models.Safetensors;

/// <summary>The element types of the format that torch has too.</summary>
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

    public static string Known => string.Join(", ", Table.Select(row => row.Name));

    /// <summary>Whether a type of the format holds weights only together with scales.</summary>
    public static bool IsQuantized(string name) => name.StartsWith("F8", StringComparison.Ordinal) || name.StartsWith("F4", StringComparison.Ordinal) || name.StartsWith("F6", StringComparison.Ordinal);

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
