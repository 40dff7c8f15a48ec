using System.Globalization;
using System.Text;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Objectives;

namespace Pipeline.Stages.Embeddings;

/// <summary>
/// Tables over two vocabularies, as text files. The first line says what the table is and for which tokenizers it was made. The other lines are
/// numbers. A table that was made for other tokenizers is refused.
/// </summary>
internal static class VocabularyFile
{
    private const string BiasKind = "alm-token-pair-bias-1", MapKind = "alm-token-map-1";

    /// <summary>Writes the biases of token pairs.</summary>
    /// <param name="storage">Where the file is written.</param>
    /// <param name="path">The full path. The file appears completely or not at all.</param>
    /// <param name="bias">The table.</param>
    /// <param name="tokenizers">The fingerprints of both tokenizers.</param>
    public static void WriteBias(IStorage storage, string path, TokenPairBias bias, TokenizerPair tokenizers)
        => Write(storage, path, BiasKind, tokenizers, [bias.TeacherVocabulary, bias.StudentVocabulary, bias.Teacher.Length], bias.Teacher.Length, i =>
            string.Create(CultureInfo.InvariantCulture, $"{bias.Teacher[i]} {bias.Student[i]} {bias.TeacherOnly[i]:R} {bias.StudentOnly[i]:R}"));

    /// <summary>Reads what <see cref="WriteBias"/> wrote.</summary>
    /// <exception cref="InputException">The file does not exist, is not such a table, or was made for other tokenizers.</exception>
    public static TokenPairBias ReadBias(IStorage storage, string path, TokenizerPair tokenizers)
    {
        (int[] sizes, List<string[]> lines) = Read(storage, path, BiasKind, tokenizers, columns: 4, sizes: 3);
        Require(path, sizes[2], lines.Count);
        return new TokenPairBias(
            sizes[0], sizes[1], [.. lines.Select(l => Int(path, l[0]))], [.. lines.Select(l => Int(path, l[1]))],
            [.. lines.Select(l => Float(path, l[2]))], [.. lines.Select(l => Float(path, l[3]))]);
    }

    /// <summary>Writes, for each student id, the nearest teacher id (-1 where no token has this id) and its distance.</summary>
    public static void WriteMap(IStorage storage, string path, IReadOnlyList<MinedEntry> map, TokenizerPair tokenizers)
        => Write(storage, path, MapKind, tokenizers, [map.Count], map.Count, i =>
            string.Create(CultureInfo.InvariantCulture, $"{map[i].SourceId} {map[i].Distance}"));

    /// <summary>Reads what <see cref="WriteMap"/> wrote.</summary>
    /// <exception cref="InputException">The file does not exist, is not such a table, or was made for other tokenizers.</exception>
    public static MinedEntry[] ReadMap(IStorage storage, string path, TokenizerPair tokenizers)
    {
        (int[] sizes, List<string[]> lines) = Read(storage, path, MapKind, tokenizers, columns: 2, sizes: 1);
        Require(path, sizes[0], lines.Count);
        return [.. lines.Select(l => new MinedEntry(Int(path, l[0]), Int(path, l[1])))];
    }

    private static void Write(IStorage storage, string path, string kind, TokenizerPair tokenizers, int[] sizes, int count, Func<int, string> line)
        => storage.WriteAtomically(path, stream =>
        {
            using var writer = new StreamWriter(stream, new UTF8Encoding(false), leaveOpen: true) { NewLine = "\n" };
            writer.WriteLine(string.Join(' ', [kind, tokenizers.Teacher, tokenizers.Student, .. sizes.Select(s => s.ToString(CultureInfo.InvariantCulture))]));
            for (int i = 0; i < count; i++)
                writer.WriteLine(line(i));
        });

    private static (int[] Sizes, List<string[]> Lines) Read(IStorage storage, string path, string kind, TokenizerPair tokenizers, int columns, int sizes)
    {
        if (!storage.FileExists(path))
            throw new InputException($"{path}: no such file; first run the flow that writes it");
        using var reader = new StreamReader(storage.OpenRead(path), Encoding.UTF8);
        string[] head = (reader.ReadLine() ?? "").Split(' ');
        if (head.Length != 3 + sizes || head[0] != kind)
            throw new InputException($"{path}: begins with '{head[0]}', expected '{kind}'; delete it and run the flow that writes it");
        if (head[1] != tokenizers.Teacher || head[2] != tokenizers.Student)
        {
            throw new InputException(
                $"{path}: made for the tokenizers {head[1]} (teacher) and {head[2]} (student), but this run has {tokenizers.Teacher} and {tokenizers.Student}; write it again");
        }
        var lines = new List<string[]>();
        while (reader.ReadLine() is { } line)
        {
            string[] parts = line.Split(' ');
            if (parts.Length != columns)
                throw new InputException($"{path}: line {lines.Count + 2} has {parts.Length} numbers, expected {columns}; delete it and run the flow that writes it");
            lines.Add(parts);
        }
        return ([.. head.Skip(3).Select(s => Int(path, s))], lines);
    }

    private static void Require(string path, int expected, int found)
    {
        if (expected != found)
            throw new InputException($"{path}: {found} lines, but its head says {expected}; delete it and run the flow that writes it");
    }

    private static int Int(string path, string text) => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value)
        ? value : throw new InputException($"{path}: '{text}' is not a whole number; delete it and run the flow that writes it");

    private static float Float(string path, string text) => float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out float value)
        ? value : throw new InputException($"{path}: '{text}' is not a number; delete it and run the flow that writes it");
}

/// <summary>Fingerprints of the teacher's and the student's tokenizer.</summary>
internal readonly record struct TokenizerPair(string Teacher, string Student);
