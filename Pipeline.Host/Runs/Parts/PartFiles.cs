using System.Globalization;
using System.IO.Hashing;
using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Files;

namespace Pipeline.Host.Runs.Parts;

/// <summary>
/// The files <c>parts/FLOW/00003.jsonl</c> of a run folder. Each has the rejects and the counts of one part of a flow, and is written once, by the process
/// that did the part. Together these files say which parts of its flows a run has done. A part that failed has a file <c>00003.failed.jsonl</c> instead.
/// </summary>
internal sealed class PartFiles(IStorage storage, string runFolder)
{
    private const string Extension = ".jsonl";
    private const string FailureExtension = ".failed.jsonl";
    private const int MaxLineBytes = 16 << 20;

    /// <summary>The names of the flows that have such files.</summary>
    public IEnumerable<string> Flows
        => storage.List(Path.Combine(runFolder, RunFiles.PartRecords)).Where(storage.DirectoryExists).Select(p => Path.GetFileName(p));

    /// <summary>The folder of a flow's files. It exists once a part has been begun.</summary>
    public string FolderOf(string flow) => Path.Combine(runFolder, RunFiles.PartRecords, flow);

    public string PathOf(string flow, int part) => Path.Combine(FolderOf(flow), NameOf(part) + Extension);

    /// <summary>Begins the file of a part. It is not visible before it is committed.</summary>
    public StagedFile Stage(string flow, int part) => new(storage, PathOf(flow, part));

    /// <summary>Begins the file of a part that has failed.</summary>
    public StagedFile StageFailure(string flow, int part) => new(storage, FailurePathOf(flow, part));

    public void DeleteFailure(string flow, int part) => storage.DeleteFile(FailurePathOf(flow, part));

    /// <summary>The parts of a flow that are done and were made from this definition.</summary>
    /// <exception cref="InputException">A file is damaged.</exception>
    public IReadOnlyList<PartRecord> Done(string flow, string hash) => [.. All(flow).Where(r => r.Hash == hash && r.Error is null)];

    /// <summary>The records of a flow, whatever definition they were made from: of parts that are done, and of the last failure of those that are not.</summary>
    /// <exception cref="InputException">A file is damaged.</exception>
    public IEnumerable<PartRecord> All(string flow) => Paths(flow).Select(Read);

    /// <summary>The rejects of a part that is done, one line of JSON each, with its line feed.</summary>
    public IEnumerable<byte[]> Rejects(PartRecord record)
    {
        using var reader = new StreamReader(storage.OpenRead(PathOf(record.Flow, record.Part)));
        for (long i = 0; i < record.Rejects && reader.ReadLine() is { } line; i++)
            yield return System.Text.Encoding.UTF8.GetBytes(line + "\n");
    }

    /// <summary>Reads every file whole and compares its checksum.</summary>
    /// <returns>The files that are damaged, and what is wrong with each.</returns>
    public IEnumerable<(string Path, string Message)> Verify()
    {
        foreach (string path in Flows.SelectMany(Paths))
        {
            if (Damage(path) is { } damage)
                yield return (path, damage);
        }
    }

    private static string NameOf(int part) => part.ToString("00000", CultureInfo.InvariantCulture);

    private string FailurePathOf(string flow, int part) => Path.Combine(FolderOf(flow), NameOf(part) + FailureExtension);

    private IEnumerable<string> Paths(string flow)
        => storage.List(FolderOf(flow)).Where(p => p.EndsWith(Extension, StringComparison.Ordinal) && !Staging.IsStaging(p));

    private PartRecord Read(string path)
    {
        try
        {
            using Stream stream = storage.OpenRead(path);
            return PartRecord.Parse(LastLine(stream));
        }
        catch (JsonException e)
        {
            throw new InputException($"{path} is damaged: {e.Message}; delete it and run again: a part that is committed is not computed again, but the report leaves out its counts", e);
        }
    }

    private string? Damage(string path)
    {
        try
        {
            PartRecord record = Read(path);
            var hash = new XxHash3();
            using Stream stream = storage.OpenRead(path);
            long length = stream.Length - LastLine(stream).Length;
            stream.Position = 0;
            byte[] buffer = new byte[1 << 16];
            for (int read; length > 0 && (read = stream.Read(buffer, 0, (int)Math.Min(buffer.Length, length))) > 0; length -= read)
                hash.Append(buffer.AsSpan(0, read));
            string found = string.Create(CultureInfo.InvariantCulture, $"{hash.GetCurrentHashAsUInt64():x16}");
            return found == record.RejectsHash ? null : $"{path} is damaged: its rejects have checksum {found}, expected {record.RejectsHash}";
        }
        catch (InputException e)
        {
            return e.Message;
        }
    }

    // Reads only the end of the file, because a million rejects may come before it.
    private static byte[] LastLine(Stream stream)
    {
        for (int size = 1 << 12; ; size *= 4)
        {
            int length = (int)Math.Min(size, stream.Length);
            byte[] end = new byte[length];
            stream.Position = stream.Length - length;
            stream.ReadExactly(end);
            if (length == 0 || end[^1] != '\n')
                throw new JsonException("its end is missing");
            int before = end.AsSpan(0, length - 1).LastIndexOf((byte)'\n');
            if (before >= 0 || length == stream.Length)
                return end[(before + 1)..];
            if (length >= MaxLineBytes)
                throw new JsonException($"its last line is longer than {MaxLineBytes} bytes");
        }
    }
}
