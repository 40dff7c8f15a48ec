using System.IO.Hashing;

namespace Pipeline.Stages.Text;

/// <summary>Hashes what is read through it, so that a compressed file is hashed and its lines are counted in one pass.</summary>
internal sealed class HashingStream(Stream inner) : ForwardStream
{
    private readonly XxHash3 _hash = new();

    public ulong Hash => _hash.GetCurrentHashAsUInt64();

    public override int Read(Span<byte> buffer)
    {
        int read = inner.Read(buffer);
        _hash.Append(buffer[..read]);
        return read;
    }
}
