namespace Pipeline.Stages.Gguf;

/// <summary>
/// The sizes of ggml's types. Rows are divided into blocks, which have a fixed number of elements and of bytes. The numbers are facts of the format
/// (ggml's <c>type_traits</c>). Types that cannot be decoded here are known as well, because a teacher's file may have them.
/// </summary>
internal static class GgufTypes
{
    private static readonly (uint Number, string Name, int Block, int Bytes)[] s_table =
    [
        (0, "F32", 1, 4), (1, "F16", 1, 2), (2, "Q4_0", 32, 18), (3, "Q4_1", 32, 20), (6, "Q5_0", 32, 22), (7, "Q5_1", 32, 24), (8, "Q8_0", 32, 34),
        (9, "Q8_1", 32, 36), (10, "Q2_K", 256, 84), (11, "Q3_K", 256, 110), (12, "Q4_K", 256, 144), (13, "Q5_K", 256, 176), (14, "Q6_K", 256, 210),
        (15, "Q8_K", 256, 292), (16, "IQ2_XXS", 256, 66), (17, "IQ2_XS", 256, 74), (18, "IQ3_XXS", 256, 98), (19, "IQ1_S", 256, 50), (20, "IQ4_NL", 32, 18),
        (21, "IQ3_S", 256, 110), (22, "IQ2_S", 256, 82), (23, "IQ4_XS", 256, 136), (24, "I8", 1, 1), (25, "I16", 1, 2), (26, "I32", 1, 4), (27, "I64", 1, 8),
        (28, "F64", 1, 8), (29, "IQ1_M", 256, 56), (30, "BF16", 1, 2), (34, "TQ1_0", 256, 54), (35, "TQ2_0", 256, 66), (39, "MXFP4", 32, 17),
    ];

    /// <summary>The names of all known types, for messages.</summary>
    public static string Known => string.Join(", ", s_table.Select(row => row.Name));

    /// <summary>The number of elements and of bytes of a type's blocks; false for a type that is not known.</summary>
    public static bool TryBlock(uint type, out int elements, out int bytes)
    {
        foreach ((uint number, _, int block, int size) in s_table)
        {
            if (number == type)
            {
                (elements, bytes) = (block, size);
                return true;
            }
        }
        (elements, bytes) = (0, 0);
        return false;
    }

    /// <summary>The name of a type, or its number where it is not known.</summary>
    public static string Name(uint type) => s_table.FirstOrDefault(row => row.Number == type).Name ?? $"type {type}";

    /// <summary>Whether rows with a number of columns can have a type, that is, are a whole number of its blocks.</summary>
    public static bool Holds(GgufType type, long columns) => TryBlock((uint)type, out int elements, out _) && columns % elements == 0;

    /// <summary>The number of bytes of <paramref name="count"/> elements, which must be a whole number of blocks.</summary>
    public static long Bytes(GgufType type, long count) => TryBlock((uint)type, out int elements, out int bytes) ? count / elements * bytes : 0;
}
