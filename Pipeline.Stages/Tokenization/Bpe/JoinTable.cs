namespace Pipeline.Stages.Tokenization.Bpe;

/// <summary>
/// Which pairs of neighbouring characters occur inside a token. A merge cannot cross a place whose pair occurs in none. There, a long piece may be cut, and
/// its parts are encoded and remembered one by one. Pairs share bits of a hash table: a wrong "occurs" only costs a cut.
/// </summary>
internal sealed class JoinTable
{
    private const int Bits = 21;

    private readonly ulong[] _bits = new ulong[1 << (Bits - 6)];

    public JoinTable(IEnumerable<string> tokens)
    {
        foreach (string token in tokens)
        {
            for (int i = 1; i < token.Length; i++)
            {
                uint at = Hash(token[i - 1], token[i]);
                _bits[at >> 6] |= 1UL << (int)at;
            }
        }
    }

    public bool MayJoin(char left, char right)
    {
        uint at = Hash(left, right);
        return (_bits[at >> 6] >> (int)at & 1) != 0;
    }

    private static uint Hash(char left, char right) => (((uint)left << 16 | right) * 0x9E3779B1u) >> (32 - Bits);
}
